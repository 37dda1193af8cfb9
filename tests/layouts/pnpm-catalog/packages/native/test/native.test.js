const assert = require('node:assert/strict')
const { test } = require('node:test')

const { millis } = require('@layouts/catalog-units')
const { seconds } = require('..')

test('it uses another package of the workspace', () => {
  assert.equal(seconds(millis('2m')), 120)
})
