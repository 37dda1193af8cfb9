// Prints the directory of the addons that a build has written, "." for the current one: that of the package's entry, or
// else the first that has one. Arguments: names of the addons.
const fs = require("fs"), path = require("path");
const names = process.argv.slice(1), found = [], waiting = ["."];
for (const here of waiting) {
  for (const each of fs.readdirSync(here, { withFileTypes: true })) {
    if (each.isDirectory() && !/^(\..*|node_modules|target)$/.test(each.name)) waiting.push(path.join(here, each.name));
    if (each.isFile() && names.includes(each.name)) found.push(here);
  }
}
const own = JSON.parse(fs.readFileSync("package.json", "utf8").replace(/^\uFEFF/, ""));
const entry = path.normalize(String(own.main ?? "index.js"));
console.log([path.dirname(entry), entry.replace(/\/$/, "")].find((each) => found.includes(each)) ?? found[0] ?? ".");
