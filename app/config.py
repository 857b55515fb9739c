"""Typed settings from the environment; a bad value stops the start with a sentence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent

HTMX_CDN = "https://cdn.jsdelivr.net/npm/htmx.org@2.0.11/dist/htmx.min.js"


class SettingsError(Exception):
    """The environment holds a value the product cannot start with."""


class Settings(BaseSettings):
    """All settings; each is `SHILIU_` + its name in capitals, but `PORT`."""

    model_config = SettingsConfigDict(env_prefix="SHILIU_", extra="ignore", populate_by_name=True)

    env: Literal["production", "development", "test"] = "production"
    home: Path = ROOT / "instance"
    database_url: str = ""
    storage_url: str = ""
    redis_url: str = ""
    secret_key: str = ""
    base_url: str = ""
    assets: Literal["auto", "cdn", "local"] = "auto"
    assets_cdn: str = HTMX_CDN
    port: int = Field(default=8000, validation_alias=AliasChoices("PORT", "SHILIU_PORT"))
    one_processor_each: bool = True
    proxy_hops: int = Field(default=0, ge=0, le=5)
    lan: bool = False

    demo: bool = False
    demo_password: str = ""
    argon2_cheap: bool = False
    require_listing_consent: bool = True
    backup_hours: int = Field(default=1, ge=0, le=168)

    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_starttls: bool = True
    smtp_from: str = ""

    district: str = "江北水城旅游度假区"
    site_host: str = "区文明办"
    site_phone: str = ""
    icp_number: str = ""
    gongan_number: str = ""

    @field_validator("database_url")
    @classmethod
    def _normalise_database(cls, value: str) -> str:
        # Hosting panels hand out postgres://; SQLAlchemy needs the driver named.
        for prefix in ("postgres://", "postgresql://"):
            if value.startswith(prefix):
                return "postgresql+psycopg://" + value[len(prefix) :]
        if value and not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("数据库地址要以 sqlite:/// 或 postgresql:// 开头")
        return value

    @field_validator("redis_url")
    @classmethod
    def _check_redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("Redis 地址要以 redis:// 开头；不用 Redis 就留空")
        return value

    @field_validator("storage_url")
    @classmethod
    def _check_storage(cls, value: str) -> str:
        if value.startswith("s3://"):
            raise ValueError("本版本的照片只存在本机文件夹，还不能用 s3://；请留空或写文件夹路径")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        self.home = self.home.expanduser().resolve()
        if not self.database_url:
            self.database_url = f"sqlite:///{self.home / 'shiliu.db'}"
        if not self.base_url:
            if self.env == "production":
                raise ValueError("正式环境必须设置 SHILIU_BASE_URL，例如 https://huodong.example.cn")
            self.base_url = f"http://127.0.0.1:{self.port}"
        self.base_url = self.base_url.rstrip("/")
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
            raise ValueError("SHILIU_BASE_URL 只写到域名和端口，例如 https://huodong.example.cn")
        if self.env == "production":
            if parts.scheme != "https":
                raise ValueError("正式环境的 SHILIU_BASE_URL 必须是 https://")
            if self.demo:
                raise ValueError("正式环境不能打开示例模式，请去掉 SHILIU_DEMO")
        self._check_mail()
        if self.secret_key and len(self.secret_key) < 32:
            raise ValueError("SHILIU_SECRET_KEY 太短，至少32个字符")
        return self

    def _check_mail(self) -> None:
        if not self.smtp_host:
            return
        if "@" not in self.smtp_from:
            raise ValueError("发邮件要写发件地址 SHILIU_SMTP_FROM，例如 huodong@example.cn")
        if not self.smtp_starttls and self.smtp_port != 465 and self.smtp_host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("SHILIU_SMTP_STARTTLS=false 只能用于本机的邮件服务器")

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def asks_second_factor(self) -> bool:
        """Whether reviewers and administrators must have one: always in production."""
        return self.is_production

    @property
    def is_secure(self) -> bool:
        """Whether people reach the site by https: decides on cookie prefixes."""
        return self.base_url.startswith("https://")

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")

    @property
    def storage_root(self) -> Path:
        return Path(self.storage_url) if self.storage_url else self.home / "photos"


def load_settings() -> Settings:
    """Settings of this process. Raises SettingsError with one line for each bad value."""
    env_file = Path(os.environ.get("SHILIU_ENV_FILE", ROOT / ".env"))
    try:
        return Settings(_env_file=env_file if env_file.exists() else None)  # type: ignore[call-arg]
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            where = ".".join(str(part) for part in problem["loc"])
            name = f"SHILIU_{where.upper()}：" if where and where != "PORT" else ""
            message = str(problem["msg"]).removeprefix("Value error, ")
            lines.append(f"设置有误，没有启动。{name}{message}")
        raise SettingsError("\n".join(lines)) from error
