const assert = require('node:assert/strict')
const { test } = require('node:test')

const addon = require('..')

test('it is callable', () => {
  assert.equal(addon.double(4), 8)
})
