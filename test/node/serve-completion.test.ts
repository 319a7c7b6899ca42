// The suites of the demo server once more, with its sockets on completions.

process.env['SERVE_ENGINE'] = 'completion';
await import('./serve.test.js');
await import('./serve-sources.test.js');
