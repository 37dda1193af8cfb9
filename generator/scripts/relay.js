// Passes bytes between a port of the sandbox's loopback and the proxy's Unix socket. Arguments: the socket, the port.
const net = require("net");
const [socket, port] = process.argv.slice(1);
const half = { allowHalfOpen: true };
net.createServer(half, (near) => {
  const far = net.connect({ path: socket, ...half });
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
  near.pipe(far).pipe(near);
}).listen(Number(port), "127.0.0.1", 256, () => console.log("ready"));
