import('../pkg').then(({ words }) => console.log(words('a page')))
