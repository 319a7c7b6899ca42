// The suite of asynchronous I/O once more, on threads in place of io_uring.

process.env['EVENT_PORTS_AIO'] = 'pool';
await import('./aio.test.js');
await import('./aio-sockets.test.js');
