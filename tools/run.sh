#!/usr/bin/env bash
# From a checkout to a running demo: keys, browser files, database, plan, demo data, server and worker.
set -euo pipefail
cd "$(dirname "$0")/.."

if grep -qsE '^ *SHILIU_ENV *= *"?production' .env; then
  echo "这里的 .env 是正式环境的设置。make run 会写入示例数据，所以没有启动。请在另一个文件夹里试用。" >&2
  exit 1
fi
export SHILIU_ENV=development SHILIU_DEMO=true
export SHILIU_HOME=${SHILIU_HOME:-$PWD/instance}
export PORT=${PORT:-8000}
bind=127.0.0.1
address="http://127.0.0.1:$PORT"

if [ "${LAN:-}" = 1 ]; then
  # The address that other machines reach: the one this machine would leave by. Nothing is sent.
  ip=$(.venv/bin/python - <<'P'
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    try:
        probe.connect(("192.0.2.1", 9))
        print(probe.getsockname()[0])
    except OSError:
        print("")
P
)
  if [ -z "$ip" ]; then
    echo "没有找到局域网地址，没有启动。请先连上网络，或去掉 LAN=1。" >&2; exit 1
  fi
  bind=0.0.0.0
  address="http://$ip:$PORT"
  export SHILIU_LAN=true
fi
export SHILIU_BIND=$bind
export SHILIU_BASE_URL=${SHILIU_BASE_URL:-$address}

if ! .venv/bin/python - "$bind" "$PORT" <<'P'
import socket, sys
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((sys.argv[1], int(sys.argv[2])))
    except (OSError, OverflowError, ValueError):
        sys.exit(1)
P
then
  echo "端口 $PORT 已被占用（也许另一个 make run 还开着），没有启动。" >&2
  echo "请先关掉那一个，或换一个端口：make run PORT=8010" >&2
  exit 1
fi

# In the background and waited for, so that Ctrl-C and TERM end it too.
child=
stop() { trap - INT TERM; [ -n "$child" ] && kill -TERM "$child" 2>/dev/null; wait; exit "$1"; }
trap 'stop 130' INT
trap 'stop 143' TERM
.venv/bin/python -m tools.prepare & child=$!
wait "$child" || exit $?
child=

announce() {
  for _ in $(seq 300); do
    kill -0 "$1" 2>/dev/null || return 0
    if .venv/bin/python - "$PORT" 2>/dev/null <<'P'
import sys, urllib.request
urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/healthz", timeout=2).read()
P
    then
      echo
      echo "石榴红活动平台已启动：$SHILIU_BASE_URL"
      echo "首页有角色卡片，点一下就以该角色进入；账号见上面“示例账号”。"
      [ "$bind" = 0.0.0.0 ] && echo "手机连同一个 Wi-Fi，用上面的地址打开。网页不是 https，所以手机浏览器里不能用网页相机和离线扫码。"
      echo "按 Ctrl-C 停止。"
      return 0
    fi
    sleep 0.3
  done
}
(announce $$ &) # a grandchild: nobody waits for it
# honcho ends web and worker on INT and TERM; `-e /dev/null` because the product reads .env itself.
exec .venv/bin/honcho -e /dev/null -f Procfile start
