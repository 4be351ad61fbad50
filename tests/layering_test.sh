#!/bin/bash
# Reads every #include of the sources and enforces who may include whom: the
# table below, which imgbatch.7 explains. Takes another root as its argument.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/..}"

# shellcheck disable=SC2046  # A few plain names.
grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.h' --include='*.cc' \
  -- $(ls -d core formats store cli tests samples 2>/dev/null) | awk '
BEGIN {
  # folder -> our own folders that it may include, and the reason.
  own["core"] = "core"
  own["formats"] = "core formats"
  own["store"] = "core store"
  own["cli"] = "core formats store cli"
  own["tests"] = "core formats store cli tests"
  own["samples"] = "core formats tests"
  why["core"] = "core says what a batch is and how it moves; it knows nobody"
  why["formats"] = "formats says what bytes mean; it knows core alone"
  why["store"] = "store says what survives a crash; it knows core alone"
  why["cli"] = "cli is what people see; nobody includes it but tests"
  why["tests"] = "tests may include everything"
  why["samples"] = "samples make pictures for the quickstart"

  # header -> files that may include it, tests aside.
  external["^fmt/"] = "^(core|formats|store|cli)/"
  external["^curl/"] = "^core/(curl_|url\\.cc)"
  external["^openssl/"] = "^core/hash"
  external["^(jpeglib|jerror|jpegint)\\.h$"] = "^formats/jpeg"
  external["^png\\.h$"] = "^formats/png"
  external["^webp/"] = "^formats/webp"
  external["^stb(/|_image)"] = "^formats/stb"
  external["^avif/"] = "^formats/avif"
  external["^lcms2\\.h$"] = "^formats/"
  external["^libdeflate\\.h$"] = "^formats/"
  external["^nlohmann/"] = "^(formats/csv|cli/)"
  external["^(SQLiteCpp/|sqlite3\\.h$)"] = "^store/"
  external["^(CLI|toml\\+\\+|spdlog)/"] = "^cli/"
  external["^toml\\.hpp$"] = "^cli/"
  external["^microhttpd\\.h$"] = "^cli/serve/"
  external["^(gtest|gmock)/"] = "^tests/"
  external["^emmintrin\\.h$"] = "^formats/"
  # The C++ library and the system, everywhere.
  external["^[a-z0-9_]+$"] = "."
  external["^(sys|netinet|arpa|linux|net)/[a-z0-9_]+\\.h$"] = "."
  system_h = "dirent|dlfcn|errno|fcntl|ifaddrs|malloc|netdb|poll|pthread" \
    "|pwd|sched|setjmp|signal|spawn|stdio|stdlib|string|termios|time|unistd"
  external["^(" system_h ")\\.h$"] = "."
}
function complain(text) {
  printf "%s:%s: %s\n", file, line, text
  bad++
}
{
  split($0, part, ":")
  file = part[1]; line = part[2]
  folder = file; sub("/.*", "", folder)
  header = $0
  sub(/^[^:]*:[^:]*:[^"<]*["<]/, "", header)
  sub(/[">].*/, "", header)
  checked++
  if ($0 ~ /include[[:space:]]*"/) {
    target = header; sub("/.*", "", target)
    if (header !~ "/" || !(target in own)) {
      complain("\"" header "\" is not written from the repository root")
    } else if (index(" " own[folder] " ", " " target " ") == 0) {
      complain(folder " may not include " header ": " why[folder])
    }
    next
  }
  known = 0; allowed = (folder == "tests")
  for (pattern in external) {
    if (header !~ pattern) continue
    known = 1
    if (file ~ external[pattern]) allowed = 1
    else place = external[pattern]
  }
  if (!known && folder != "tests")
    complain("<" header "> is in no row of the table of tests/layering_test.sh")
  else if (!allowed)
    complain("<" header "> belongs to files that match " place)
}
END {
  if (checked < 10) { print "only " checked " includes were found"; bad++ }
  if (bad) { print "not ok - layering: " bad + 0 " of " checked " includes"; exit 1 }
  print "ok - layering: " checked " includes"
}'
