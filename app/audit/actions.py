"""The closed list of audited actions, and the payload keys of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Audited:
    """`keys` are the payload keys an entry may carry; `private` those kept as commitments."""

    label: str
    keys: frozenset[str] = frozenset()
    private: frozenset[str] = frozenset()


def _a(label: str, keys: str = "", private: str = "") -> Audited:
    return Audited(label, frozenset(keys.split()), frozenset(private.split()))


ACTIONS: dict[str, Audited] = {
    # organisation
    "user.created": _a("新建账号", "unit roles", "name"),
    "user.changed": _a("修改账号", "unit", "name"),
    "user.disabled": _a("停用账号"),
    "user.enabled": _a("恢复账号"),
    "user.invited": _a("生成邀请链接", "expires"),
    "user.password_set": _a("设置密码"),
    "user.second_factor_set": _a("启用动态口令"),
    "user.second_factor_reset": _a("重置动态口令"),
    "user.recovery_codes_made": _a("生成备用口令", "count"),
    "user.signed_in": _a("登录", "second_factor"),
    "user.signed_out": _a("退出登录"),
    "user.sign_ins_ended": _a("结束登录", "count"),
    "role.granted": _a("授予角色", "role unit"),
    "role.revoked": _a("收回角色", "role unit"),
    "unit.created": _a("新建单位", "kind parent"),
    "unit.changed": _a("修改单位", "kind parent", "before after"),
    "unit.retired": _a("停用单位"),
    "unit.restored": _a("恢复单位"),
    "readers.ordered": _a("设置审核顺序", "before after"),
    "organisation.imported": _a("导入单位和人员", "units users set_aside"),
    "demo.grown": _a("生成大批示例数据", "activities check_ins"),
    # planning
    "plan.loaded": _a("载入实施方案", "pack tasks targets digest"),
    "target.set": _a("设置目标", "indicator before after", "reason"),
    "target.retired": _a("停用目标", "indicator before", "reason"),
    # activities
    "programme.created": _a("新建系列活动", "kind"),
    "programme.changed": _a("修改系列活动", "before after"),
    "activity.created": _a("新建活动", "kind host"),
    "activity.changed": _a("修改活动", "before after fields", "reason"),
    "activity.published": _a("发布活动", "audience"),
    "activity.withdrawn": _a("撤回活动"),
    "activity.cancelled": _a("取消活动", "registrations", "reason"),
    "activity.copied": _a("复制活动", "source"),
    "activity.listed": _a("同意公开展示"),
    "activity.listing_declined": _a("不同意公开展示", "", "reason"),
    "activity.joined": _a("加入协办", "unit"),
    "activity.discarded": _a("放弃草稿"),
    "activity.paper_entered": _a("补录活动", "kind headcount"),
    # registration
    "registration.made": _a("报名", "state headcount"),
    "registration.changed": _a("修改报名", "before after"),
    "registration.cancelled": _a("取消报名", "headcount"),
    "consent.asked": _a("请监护人同意"),
    "consent.given": _a("监护人同意", "kind version"),
    "consent.expired": _a("监护人没有答复，名额让出", "headcount"),
    "minors.opened": _a("查看未成年人资料", "count", "reason"),
    "registration.relinked": _a("换了报名码链接"),
    "registration.approved": _a("确认报名", "headcount"),
    "registration.declined": _a("没有确认报名", "headcount", "reason"),
    "registration.offer_accepted": _a("回复要来", "headcount"),
    "registration.offer_expired": _a("没有回复，名额让出", "headcount"),
    "registration.settings_changed": _a("修改报名设置", "before after"),
    "registration.question_added": _a("加报名问题", "kind"),
    "registration.question_removed": _a("删报名问题"),
    "places.quota_set": _a("设置单位名额", "unit before after"),
    "places.held": _a("预留名额", "headcount unit"),
    "places.hold_released": _a("取消预留", "headcount"),
    "registration.promoted": _a("候补递补", "headcount"),
    "registration.erased": _a("删除本人资料"),
    "roster.imported": _a("导入报名名单", "rows people waitlisted set_aside"),
    "roster.read": _a("打开报名名单", "count"),
    "places.changed": _a("修改名额", "before after"),
    "registration.moved": _a("现场换场次", "before after"),
    # checkin
    "checkin.undone": _a("撤销签到", "headcount", "reason"),
    "checkin.counted": _a("补录人数", "headcount session"),
    "checkin.rebuilt": _a("按签到记录重算人数", "count"),
    "checkin.window_changed": _a("调整签到时间", "before after"),
    "checkin.digest": _a("封存签到记录", "session events digest form"),
    "printed_code.turned_on": _a("启用张贴码", "version"),
    "printed_code.revoked": _a("作废张贴码", "version"),
    "screen.opened": _a("打开大屏", "session"),
    "device.paired": _a("配对签到员手机", "device session"),
    "device.revoked": _a("作废签到员手机", "device"),
    "device.ended": _a("签到员手机下班", "device"),
    "device.handed_in": _a("读入交接文件", "device count sealed"),
    "held.counted": _a("待核实算到场", "headcount session kind"),
    "held.not_counted": _a("待核实不算", "headcount session kind"),
    "held.resolved": _a("名单补上，待核实自动算到场", "count"),
    # evidence
    "evidence.added": _a("上传材料", "slot sha256"),
    "evidence.removed": _a("删除材料", "slot sha256"),
    "evidence.superseded": _a("更换材料", "slot before after", "reason"),
    "evidence.redacted": _a("删除撤下的照片", "slot sha256", "reason"),
    "evidence.hidden": _a("按要求撤下照片", "slot sha256"),
    "evidence.shown_again": _a("恢复公开照片", "slot sha256", "reason"),
    "evidence.cleared": _a("标明照片没有拍到不愿出镜的人", "slot sha256"),
    "evidence.uncleared": _a("收回照片的公开", "slot sha256"),
    "evidence.consent_set": _a("照片使用说明", "minors publish"),
    "match.decided": _a("比对照片", "same"),
    # progress
    "note.added": _a("填报工作进展", "task safeguard"),
    "note.changed": _a("修改工作进展", "before after", "text reason"),
    "note.decided": _a("审核工作进展", "decision", "reason"),
    "establishment.added": _a("登记建设项目", "kind level stage"),
    "establishment.changed": _a("修改建设项目", "before after", "name proof reason"),
    "establishment.decided": _a("审核建设项目", "decision", "reason"),
    # review
    "review.submitted": _a("提交审核", "findings reader"),
    "review.withdrawn": _a("撤回送审"),
    "review.returned": _a("退回修改", "", "reason"),
    "review.rejected": _a("不予计入", "", "reason"),
    "review.approved": _a("通过", "participations seal version form"),
    "review.reopened": _a("退回重审", "version", "reason"),
    # feedback
    "feedback.received": _a("收到投诉建议", "sort"),
    "feedback.answered": _a("回复投诉建议", "days"),
    "feedback.contact_read": _a("看投诉建议的联系方式"),
    "mail.resent": _a("再发邮件", "count"),
    # exports, log
    "ledger.exported": _a("导出台账", "rows year"),
    "audit.verified": _a("核验日志", "count holds"),
    "audit.exported": _a("导出日志", "count"),
    "audit.checkpoint": _a("生成存证点", "size root"),
    # privacy
    "privacy.purged": _a("到期删除个人信息", "registrations pictures consents feedback accounts texts"),
    "privacy.erased_again": _a("恢复备份后再次删除", "registrations"),
    "evidence.rehash": _a("核对照片文件", "count bad missing"),
    "backup.restored": _a("恢复备份", "made_at"),
}
