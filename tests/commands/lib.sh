# What the scripts of the command tests share; sourced by bash (BASH_ENV).
# ORIGIN is the base URL of the case's own origin, LOG its log.
# shellcheck shell=bash

# catalogue PATH...: a CSV in the documents' format on standard output, one
# image per row.
catalogue() {
  local row=0 path
  echo 'S. No.,Product Name,Input Image Urls'
  for path in "$@"; do
    row=$((row + 1))
    echo "$row,Product $row,\"$ORIGIN$path\""
  done
}

# tree DIRECTORY: its files with their checksums, the mark of imgbatch aside.
tree() { (cd "$1" && find . -type f ! -name .imgbatch | sort | xargs -r sha256sum); }

# requests PATTERN: how many requests the origin has seen whose target matches.
requests() { grep -c "GET $1" "$LOG" || true; }

# seen COUNT PATTERN: whether there were that many.
seen() { [ "$(requests "$2")" -ge "$1" ]; }

# wait_for COMMAND...: until it succeeds, at most 20 seconds.
wait_for() {
  local tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 400 ] || return 1
    sleep 0.05
  done
}

# sqlite_json PATH: that part of the JSON on standard input. SQLite has the
# JSON functions, and it is here anyway.
sqlite_json() {
  cat >.json
  sqlite3 :memory: \
    "SELECT json_extract(CAST(readfile('.json') AS TEXT), '$1')"
  rm .json
}

# keys: the names of the members of the JSON object on standard input.
keys() {
  cat >.json
  sqlite3 :memory: "SELECT key FROM json_each(CAST(readfile('.json') AS TEXT))"
  rm .json
}
