// npm's install step. An old Node ends in the first line: it couldn't even parse the second file.
'use strict';

require('./check-node.cjs');
require('./install-native.cjs');
