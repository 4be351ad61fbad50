#!/bin/bash
# n images over loopback HTTP to compressed files, imgbatch against what people
# use today, all in one run:
#
#   tests/bench/end_to_end.sh DIRECTORY [N] [ROUNDS]
#
# DIRECTORY holds JPEG photos; they are served again and again under different
# URLs until there are N (1080). The tools take turns, ROUNDS (3) times; the
# table shows medians. imgbatch is build/imgbatch, or $IMGBATCH.
# Peers that are not installed are left out, and it is said.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
photos=$(readlink -f "${1:?usage: $0 DIRECTORY [N] [ROUNDS]}")
count=${2:-1080}
rounds=${3:-3}
imgbatch=$(readlink -f "${IMGBATCH:-$root/build/imgbatch}")
port=${BENCH_PORT:-$((20000 + RANDOM % 12000))}
scratch=$(mktemp -d)
trap 'kill "$(cat "$scratch/nginx.pid" 2>/dev/null)" 2>/dev/null || true
  rm -rf "$scratch"' EXIT

"$root/samples/install-packages.sh" build bench
if [ ! -x "$imgbatch" ]; then
  cmake -G Ninja -S "$root" -B "$root/build" >/dev/null
  ninja -C "$root/build" imgbatch
fi

# --- The photos under N names, the catalogue, the origin. -------------------
mapfile -t files < <(find "$photos" -iname '*.jp*g' -type f | sort)
[ ${#files[@]} -gt 0 ] || { echo "no JPEG files in $photos" >&2; exit 2; }
mkdir "$scratch/www"
input=0
for ((n = 0; n < count; n++)); do
  file=${files[n % ${#files[@]}]}
  name=$(printf '%06d.jpg' "$n")
  # A comment with the number makes each file a content of its own: imgbatch
  # would compress equal ones only once, which is not what is compared here.
  { printf '\xff\xd8\xff\xfe\x00\x08%06d' "$n"; tail -c +3 "$file"; } \
    >"$scratch/www/$name"
  echo "http://127.0.0.1:$port/$name" >>"$scratch/urls"
  input=$((input + $(stat -c %s "$file")))
done
{
  echo 'S. No.,Product Name,Input Image Urls'
  awk '{ urls = urls (urls ? "," : "") $0 }
    NR % 4 == 0 { printf "%d,Product %d,\"%s\"\n", NR / 4, NR / 4, urls
                  urls = "" }
    END { if (urls) printf "%d,Last,\"%s\"\n", NR / 4 + 1, urls }' \
    "$scratch/urls"
} >"$scratch/catalogue.csv"

cat >"$scratch/nginx.conf" <<EOF
pid $scratch/nginx.pid;
error_log $scratch/nginx.log;
$([ "$(id -u)" -eq 0 ] && echo 'user root;')
worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  client_body_temp_path $scratch/t1;
  proxy_temp_path $scratch/t2;
  fastcgi_temp_path $scratch/t3;
  uwsgi_temp_path $scratch/t4;
  scgi_temp_path $scratch/t5;
  types { image/jpeg jpg; }
  server { listen 127.0.0.1:$port; root $scratch/www; }
}
EOF
PATH=$PATH:/usr/sbin nginx -c "$scratch/nginx.conf" -e "$scratch/nginx.log" || {
  echo "port $port is in use? try again, or set BENCH_PORT" >&2
  exit 1
}

# --- The tools: each writes into the directory $1. --------------------------
run_imgbatch() {
  "$imgbatch" run "$scratch/catalogue.csv" -q --new \
    -o "$1/output.csv" --images "$1/images" --store "$1/store.db" \
    --concurrency 64 --per-host 64
}
run_aria2() {
  aria2c -q -i "$scratch/urls" -d "$1/images" -j 64 -x 1
  find "$1/images" -name '*.jpg' -print0 |
    MAGICK_THREAD_LIMIT=1 xargs -0 -n $(((count + 7) / 8)) -P 2 \
      mogrify -quality 50
}
run_sharp() {
  mkdir -p "$1/images"
  (cd "$scratch/node" &&
    UV_THREADPOOL_SIZE=${UV_THREADPOOL_SIZE:-4} \
      node "$here/sharp_peer.mjs" "$scratch/urls" "$1/images")
}
export -f run_imgbatch run_aria2 run_sharp
export imgbatch scratch count here

tools=(imgbatch aria2)
echo "$(nproc) cores, $count images ($((input / 1000000)) MB) of" \
  "${#files[@]} photos, $rounds rounds, 64 downloads in flight"
echo "imgbatch: $("$imgbatch" version | head -1)"
echo "aria2:    $(aria2c --version | head -1), then mogrify -quality 50 in 2" \
  "processes, $(mogrify -version | sed -n '1s/Version: \(ImageMagick [^ ]*\).*/\1/p')"
if command -v node >/dev/null && command -v npm >/dev/null; then
  mkdir "$scratch/node"
  if (cd "$scratch/node" && npm init -y && npm install --no-audit --no-fund \
    sharp undici@6) >"$scratch/npm.log" 2>&1; then
    tools+=(sharp)
    echo "sharp:    $(cd "$scratch/node" && node -p \
      '"Node " + process.version + ", sharp " + require("sharp").versions.sharp +
       ", undici " + require("undici/package.json").version +
       ", jpeg({quality: 50})"')"
  else
    echo "sharp:    left out, npm could not install it:"
    tail -3 "$scratch/npm.log"
  fi
else
  echo "sharp:    left out, no node and npm here"
fi
echo "img2dataset: left out, it is no Debian package"
echo "origin:   $(PATH=$PATH:/usr/sbin nginx -v 2>&1 | sed 's/.*: //'), on the same cores"
echo

# --- Rounds. ----------------------------------------------------------------
for ((round = 1; round <= rounds; round++)); do
  for tool in "${tools[@]}"; do
    out=$scratch/out
    rm -rf "$out"
    mkdir "$out"
    begin=$(date +%s%N)
    /usr/bin/time -f %M -o "$scratch/peak" bash -c "run_$tool $out" || {
      echo "$tool failed" >&2
      exit 1
    }
    end=$(date +%s%N)
    made=$(find "$out/images" -name '*.jpg' -type f | wc -l)
    if [ "$made" -ne "$count" ]; then
      echo "$tool made $made of $count images" >&2
      exit 1
    fi
    bytes=$(find "$out/images" -name '*.jpg' -type f -printf '%s\n' |
      awk '{ sum += $1 } END { print sum }')
    echo "$tool $((end - begin)) $bytes $(cat "$scratch/peak")" |
      tee -a "$scratch/results" |
      awk -v round="$round" -v count="$count" \
        '{ printf "round %d  %-9s %6.1f images/s\n", round, $1,
           count / $2 * 1e9 }'
  done
done

# --- The table: medians, and what imgbatch is to each. ----------------------
echo
for tool in "${tools[@]}"; do
  grep "^$tool " "$scratch/results" | sort -n -k 2 |
    awk '{ line[NR] = $0; if ($4 > peak) peak = $4 }
      END { split(line[int((NR + 1) / 2)], f); print f[1], f[2], f[3], peak }'
done | awk -v count="$count" -v input="$input" '
  BEGIN { printf "%-9s %9s %9s %9s %9s   %s\n", "tool", "images/s", "MB out",
          "% of in", "peak MiB", "imgbatch is" }
  { rate = count / $2 * 1e9
    if (NR == 1) { ours = rate; our_bytes = $3 }
    printf "%-9s %9.1f %9.1f %9.1f %9.1f", $1, rate, $3 / 1e6,
           100 * $3 / input, $4 / 1024
    if (NR > 1) printf "   %.2f times as fast, %.1f %% of the bytes",
                       ours / rate, 100 * our_bytes / $3
    print "" }'
echo
echo "Peak memory is that of the largest process; mogrify runs as two."
echo "imgbatch alone makes each result durable (fsync) before it counts as done."
