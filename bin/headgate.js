#!/usr/bin/env node
// Plain JavaScript, so that a Node that cannot run TypeScript gets a sentence instead of a syntax error.
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(`Headgate needs Node 24 or newer and this is ${process.version}: run it by npm (npm start, npx headgate …), which uses the Node that npm ci installed.`);
  process.exit(1);
}
// `headgate … | head` has seen enough.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
const { main } = await import('../src/cli/main.ts');
await main(process.argv.slice(2));
// What a connection that is closed still has in mind does not count.
process.stdout.write('', () => process.exit());
