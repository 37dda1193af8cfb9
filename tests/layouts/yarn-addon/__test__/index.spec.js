const assert = require('node:assert/strict')
const { test } = require('node:test')

const addon = require('..')

test('it is callable', () => {
  assert.equal(addon.plus100(1), 101)
})
