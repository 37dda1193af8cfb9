// Writes a package.json with the dependencies that the finished package will have, and prints how many they are.
// Installing them fills npm's cache with the registry's list of versions, which a lock file lacks: the finished package
// is installed without the network. Arguments: the directory to make; packages that count when package.json names them.
const fs = require("fs"), path = require("path");
const [needed, ...runtime] = process.argv.slice(1);
const own = JSON.parse(fs.readFileSync("package.json", "utf8").replace(/^\uFEFF/, ""));
const asked = { ...own.devDependencies, ...own.dependencies };
const names = [...Object.keys(own.dependencies ?? {}), ...runtime.filter((name) => name in asked)];
fs.mkdirSync(needed, { recursive: true });
const dependencies = Object.fromEntries(names.map((name) => [name, asked[name]]));
fs.writeFileSync(path.join(needed, "package.json"), JSON.stringify({ private: true, dependencies }));
console.log(names.length);
