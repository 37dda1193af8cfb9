const ms = require('ms')

exports.millis = (text) => ms(text)
