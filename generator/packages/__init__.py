"""npm packages of built artifacts: addons, programs and wasm modules, their package.json files, loaders and tarballs.

Everything is checked before it is packed: npm must not run or link anything unexpected. Audits of the binaries are in
`generator.audit`, releases of the tarballs in `generator.releases`.
"""
