// Copies the files that npm would publish, and the addons, which packages with one package per platform leave out.
// Arguments: the output of `npm pack --dry-run --json`, which knows `files`, .npmignore and npm's own rules; the target
// directory; the addons' directory; a file to drop or "", which is the host's addon when only its loader is wanted; the
// addons.
const fs = require("fs"), path = require("path");
const [list, out, directory, ...files] = process.argv.slice(1);
const [dropped, ...addons] = files.map((name) => path.join(directory, name));
// A list of packages or, since version 12, an object of them by name; there is one.
const [packed] = Object.values(JSON.parse(fs.readFileSync(list, "utf8")));
const named = packed.files.map((file) => file.path);
for (const name of new Set([...named.filter((name) => name !== dropped), ...addons.filter(fs.existsSync)])) {
  const to = path.join(out, name);
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(name, to);
}
