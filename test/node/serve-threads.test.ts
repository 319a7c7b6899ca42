// The suites of the demo server with its sockets on completions, on threads in place of io_uring.

process.env['EVENT_PORTS_AIO'] = 'pool';
await import('./serve-completion.test.js');
