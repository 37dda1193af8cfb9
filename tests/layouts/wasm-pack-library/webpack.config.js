const path = require('node:path')
const WasmPackPlugin = require('@wasm-tool/wasm-pack-plugin')

module.exports = {
  entry: './www/index.js',
  output: { path: path.resolve(__dirname, 'dist') },
  experiments: { asyncWebAssembly: true },
  plugins: [new WasmPackPlugin({ crateDirectory: __dirname })],
}
