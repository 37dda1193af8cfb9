#!/bin/bash
# Runs wasm-bindgen for Node, bundlers and browsers, and puts all outputs into the directory that OUT names.
# They share one wasm file: only the names of their entry files collide, and no output names another's entry file.
# Arguments: wasm-bindgen; the Rust target; the module's name.
set -euo pipefail
tool=$1 target=$2 module=$3
rm -rf "$OUT/../bound" && mkdir "$OUT/../bound"
for each in nodejs bundler web; do
  "$tool" "$CARGO_TARGET_DIR/$target/release/$module.wasm" --target "$each" \
    --out-dir "$OUT/../bound/$each" --out-name "$module"
done
cd "$OUT/../bound"
for each in bundler web; do
  cmp "nodejs/${module}_bg.wasm" "$each/${module}_bg.wasm" || {
    echo "error: wasm-bindgen made different modules for Node and for $each" >&2; exit 1
  }
done
cp -R bundler/. "$OUT/"
sed "s|\\./$module\\.d\\.ts|./$module.d.cts|" "nodejs/$module.js" > "$OUT/$module.cjs"
cp "nodejs/$module.d.ts" "$OUT/$module.d.cts"
sed "s|\\./$module\\.d\\.ts|./${module}_web.d.ts|" "web/$module.js" > "$OUT/${module}_web.js"
cp "web/$module.d.ts" "$OUT/${module}_web.d.ts"
cat > "$OUT/${module}_browser.js" <<END
import init from "./${module}_web.js";
await init();
export * from "./${module}_web.js";
END
