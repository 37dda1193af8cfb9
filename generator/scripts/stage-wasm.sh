#!/bin/bash
# Runs wasm-bindgen for Node, bundlers and browsers, and puts all outputs into the directory that OUT names.
# They share one wasm file where they can: only the names of their entry files collide, and no output names another's.
# Arguments: wasm-bindgen; the Rust target; the module's name.
set -euo pipefail
tool=$1 target=$2 module=$3
rm -rf "$OUT/../bound" && mkdir "$OUT/../bound"
for each in nodejs bundler web; do
  "$tool" "$CARGO_TARGET_DIR/$target/release/$module.wasm" --target "$each" \
    --out-dir "$OUT/../bound/$each" --out-name "$module"
done
cd "$OUT/../bound"
cp -R bundler/. "$OUT/"
# Older versions write the names of imports into the wasm file, so that each output needs its own.
for each in nodejs web; do
  if ! cmp -s "bundler/${module}_bg.wasm" "$each/${module}_bg.wasm"; then
    cp "$each/${module}_bg.wasm" "$OUT/${module}_${each}_bg.wasm"
    sed -i "s|${module}_bg\\.wasm|${module}_${each}_bg.wasm|g" "$each/$module.js"
  fi
done
sed "s|\\./$module\\.d\\.ts|./$module.d.cts|" "nodejs/$module.js" > "$OUT/$module.cjs"
cp "nodejs/$module.d.ts" "$OUT/$module.d.cts"
sed "s|\\./$module\\.d\\.ts|./${module}_web.d.ts|" "web/$module.js" > "$OUT/${module}_web.js"
cp "web/$module.d.ts" "$OUT/${module}_web.d.ts"
cat > "$OUT/${module}_browser.js" <<END
import init from "./${module}_web.js";
await init();
export * from "./${module}_web.js";
END
