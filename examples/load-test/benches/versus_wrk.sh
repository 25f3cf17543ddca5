#!/usr/bin/env bash
# One thread and 16 connections against nginx, this program and wrk in turn:
# five pairs, and the median of the ratios. Needs nginx and wrk.
#
#     cargo build --release -p load-test && examples/load-test/benches/versus_wrk.sh
set -euo pipefail
program="${CARGO_TARGET_DIR:-target}/release/load-test"
place=$(mktemp -d)
port=${PORT:-18080}
url="http://127.0.0.1:$port/"
cat > "$place/nginx.conf" <<END
worker_processes 1; daemon off; pid $place/pid; error_log $place/error;
events { worker_connections 256; }
http { access_log off; keepalive_requests 1000000000;
  server { listen 127.0.0.1:$port; location / { return 200 "hello\n"; } } }
END
nginx -c "$place/nginx.conf" & server=$!
trap 'kill $server; wait $server; rm -r "$place"' EXIT
until curl -s "$url" >/dev/null; do :; done

ours() { "$program" --url "$url" --connections 16 --duration 3 --json |
    sed 's/.*"p50":\([0-9]*\),"p90":\([0-9]*\),"p99":\([0-9]*\).*"requests_per_second":\([0-9]*\).*/\4 \1 \2 \3/'; }
wrks() { wrk -t1 -c16 -d3 --latency "$url" |
    awk '/50%/ {a=$2} /90%/ {b=$2} /99%/ {c=$2} /Requests\/sec/ {print $2, a, b, c}'; }
for pair in 1 2 3 4 5; do
    if [ $((pair % 2)) = 1 ]; then o=$(ours); w=$(wrks); else w=$(wrks); o=$(ours); fi
    echo "ours $o   wrk $w   ratio $(echo "$o $w" | awk '{printf "%.2f", $1 / $5}')"
done | tee "$place/pairs"
echo "median ratio $(awk '{print $NF}' "$place/pairs" | sort -n | sed -n 3p)"
