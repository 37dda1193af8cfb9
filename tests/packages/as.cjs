// Loaded before a package: makes Node look like the one of AS=os,cpu,libc, and gives as `answer` of an addon its
// file's path, below the current directory.
const fs = require("fs");
const Module = require("module");
const path = require("path");

const [os, cpu, libc] = process.env.AS.split(",");
const { readFileSync } = fs;
Object.defineProperty(process, "platform", { value: os });
Object.defineProperty(process, "arch", { value: cpu });
process.report.getReport = () => ({ header: libc === "glibc" ? { glibcVersionRuntime: "2.36" } : {}, sharedObjects: [] });
fs.readFileSync = (file, ...rest) => (file === "/usr/bin/ldd" ? String(libc) : readFileSync(file, ...rest));
Module._extensions[".node"] = (module, file) => {
  module.exports = { answer: path.relative(process.cwd(), file) };
};
