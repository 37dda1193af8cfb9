#!/usr/bin/env node
require('node:child_process').spawnSync(`${__dirname}/bin/tabulate`, process.argv.slice(2), { stdio: 'inherit' })
