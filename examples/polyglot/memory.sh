#!/usr/bin/env bash
# The memory of a primary with two workers in Node: ours, then Node's own. RSS is what is in memory of it; PSS shares out
# what several processes have in common, such as the program itself: proc(5), smaps_rollup.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build -q --release -p polyglot
server=examples/polyglot/server.mjs
told=$(mktemp)
trap 'rm "$told"' EXIT

measure() { # NAME PROGRAM ARGUMENT...
    "${@:2}" >"$told" &
    until [ "$(grep -cE 'listens on|^port ' "$told")" = 2 ]; do sleep 0.1; done
    sleep 1 # what only the start needs is given back
    awk -v name="$1" '/^(Rss|Pss):/ { printf "%s %s %.1f MB\n", name, $1, $2 / 1024 }' "/proc/$!/smaps_rollup"
    kill $!
    wait $!
}

for round in 1 2 3; do
    # cargo becomes the program that it runs.
    measure Rust cargo run -q --release -p polyglot -- --stay --port 0 -- node "$server"
    SERVER=$server measure Node node tests/ten-lines.mjs node node
done
