#!/usr/bin/env bash
# .venv from the lock, with plain pip: it honours whatever mirror the machine is set to.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-}
if [ -z "$python" ]; then
  for name in python3 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then
      python=$name; break
    fi
  done
fi
if [ -z "$python" ]; then
  echo "需要 Python 3.11、3.12 或 3.13，这台机器上没有找到。" >&2
  echo "Debian 12 请运行：sudo apt-get install python3 python3-venv" >&2
  exit 1
fi
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      echo "缺少 python3-venv，正在安装……"
      DEBIAN_FRONTEND=noninteractive apt-get update -qq
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    else
      echo "缺少 python3-venv，没有建成运行环境。" >&2
      echo "请先运行：sudo apt-get install python3-venv，再运行一次 make。" >&2
      exit 1
    fi
  fi
  "$python" -m venv .venv
fi
echo "正在准备 Python 环境（.venv），第一次约需一两分钟……"
if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; then
  echo "Python 包没有装齐，上面是 pip 的原话。网络不通时，可先用 pip config 设好本地的镜像，再运行一次 make；已下载的不会白费。" >&2
  exit 1
fi
