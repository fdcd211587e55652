#!/bin/sh
# What tests need beyond Python: installed where that is possible, named where it is not. A test that lacks its
# program fails and says so; none is skipped for it.
set -u
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need node nodejs  # models under Node, in the wasm and the native build: tests/e2e
need npm npm
need chromium chromium  # exported pages: tests/e2e/test_browser.py
need gcc gcc  # the proofs of emitted C: tests/parity, tests/unit/platforms/microcontroller
need arm-none-eabi-gcc "gcc-arm-none-eabi libnewlib-arm-none-eabi"
need qemu-system-arm qemu-system-arm
need riscv64-unknown-elf-gcc "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"
need qemu-system-riscv32 qemu-system-misc
need avr-gcc "gcc-avr avr-libc"
[ -e /usr/include/simavr/sim_avr.h ] || missing="$missing libsimavr-dev"
need cmake cmake
need qemu-aarch64-static qemu-user-static  # models on arm64: tests/e2e/test_phone.py, and all below
need apktool "apktool android-framework-res"
need aapt aapt
need zipalign zipalign
need apksigner apksigner
need javac default-jdk-headless
need kotlinc kotlin
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null && exit 0
  echo "apt-get could not install$missing; the tests that need them will fail" >&2
else
  echo "missing:$missing. Install them (Debian: apt install$missing); the tests that need them will fail without." >&2
fi
exit 0
