// Writes a package.json with the dependencies of the crate's package.json that its sources name as a module, or those of a
// crate that it depends on, and prints how many they are. Others, such as those of a demo beside the crate, are not the
// crate's. Reads Cargo's metadata. Arguments: the directory to make; a regular expression of versions that a registry has.
const fs = require("fs"), path = require("path");
const [needed, versions] = process.argv.slice(1);
const own = JSON.parse(fs.readFileSync("package.json", "utf8").replace(/^\uFEFF/, "")).dependencies ?? {};
const { packages } = JSON.parse(fs.readFileSync(0, "utf8"));

function* sources(directory) {
  for (const each of fs.readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, each.name);
    if (each.isDirectory() && each.name !== "node_modules" && each.name !== "target") yield* sources(file);
    if (each.isFile() && /\.(rs|[cm]?js)$/.test(each.name)) yield fs.readFileSync(file, "utf8");
  }
}

// Only crates that depend on wasm-bindgen itself import anything.
const binding = packages.filter((each) => each.dependencies.some(({ name }) => name === "wasm-bindgen"));
const directories = new Set([process.cwd(), ...binding.map((each) => path.dirname(each.manifest_path))]);
const imported = new Set();
for (const directory of directories) {
  for (const text of sources(directory)) {
    for (const name of Object.keys(own)) {
      const quoted = ["\"", "'", "`"].flatMap((quote) => [`${quote}${name}${quote}`, `${quote}${name}/`]);
      if (quoted.some((each) => text.includes(each))) imported.add(name);
    }
  }
}
const names = Object.keys(own).filter((name) => imported.has(name));
for (const name of names) {
  if (typeof own[name] !== "string" || !new RegExp(versions).test(own[name])) {
    console.error(`error: ${name} in dependencies of package.json: name a version that a registry has`);
    process.exit(1);
  }
}
fs.mkdirSync(needed, { recursive: true });
const dependencies = Object.fromEntries(names.map((name) => [name, own[name]]));
fs.writeFileSync(path.join(needed, "package.json"), JSON.stringify({ private: true, dependencies }));
console.log(names.length);
