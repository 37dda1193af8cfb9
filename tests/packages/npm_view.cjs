// Reads one package directory a line and answers, a line each, which scripts npm would run when it installs it and
// which commands it would link: npm's own code, with the steps of installing and of those of packing.
const { createInterface } = require("node:readline");
const [modules] = process.argv.slice(2);
const PackageJson = require(`${modules}/@npmcli/package-json`);
const { isNodeGypPackage } = require(`${modules}/@npmcli/node-gyp`);
const normalizeBin = require(`${modules}/npm-normalize-package-bin`);

async function view(path) {
  const { content: installed } = await PackageJson.normalize(path);
  const { content: prepared } = await PackageJson.prepare(path).catch(() => ({ content: {} }));
  const scripts = [installed, prepared].flatMap(({ scripts }) => ["preinstall", "install", "postinstall", "prepare"]
    .filter((event) => scripts?.[event]));
  if (installed.gypfile !== false && await isNodeGypPackage(path)) scripts.push("node-gyp");
  const bundled = installed.bundleDependencies ?? [];
  return { scripts, bundled, commands: installed.bin ?? {}, linked: normalizeBin(installed).bin ?? {} };
}

(async () => {
  for await (const path of createInterface({ input: process.stdin })) {
    const answer = await view(path).catch((error) => ({ refused: String(error) }));
    console.log(JSON.stringify(answer));
  }
})();
