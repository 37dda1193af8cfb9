const assert = require('node:assert/strict')
const { test } = require('node:test')

const { total } = require('..')

test('it calls the binding', () => {
  assert.equal(total([1, 2, 3]), 6)
})
