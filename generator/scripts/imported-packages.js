// Writes a package.json with the dependencies of the crate's package.json that its sources name as a module, and prints how
// many they are. Others, such as those of a demo beside the crate, are not the crate's. Arguments: the directory to make;
// a regular expression of versions that a registry has.
const fs = require("fs"), path = require("path");
const [needed, versions] = process.argv.slice(1);
const own = JSON.parse(fs.readFileSync("package.json", "utf8").replace(/^\uFEFF/, "")).dependencies ?? {};

function* sources(directory) {
  for (const each of fs.readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, each.name);
    if (each.isDirectory() && each.name !== "node_modules" && each.name !== "target") yield* sources(file);
    if (each.isFile() && /\.(rs|[cm]?js)$/.test(each.name)) yield fs.readFileSync(file, "utf8");
  }
}

const text = [...sources(".")].join("\n");
const names = Object.keys(own).filter((name) => {
  const quoted = ["\"", "'", "`"].flatMap((quote) => [`${quote}${name}${quote}`, `${quote}${name}/`]);
  return quoted.some((each) => text.includes(each));
});
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
