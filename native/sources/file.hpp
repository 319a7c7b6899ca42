// PORT_SOURCE_FILE (section 5): changes of files, one shot, over inotify.
#pragma once
#include "core/source.hpp"
#include "sources/file_judge.hpp"

#include <memory>

namespace evp {

std::unique_ptr<Source> make_file_source();

// port_associate where there is no file_obj_t: `key` stands for its address. The
// caller's keys and addresses of file_obj_t never meet (odd numbers, say). Beside the
// errors of port_associate, ENOSPC: fs.inotify.max_user_watches is exhausted.
//
// `standing`: it stays armed after its events, until it is dissociated or ends by an
// exception. What happens while its event is queued is added to that one.
Result<void> associate_file(Port& port, uint64_t key, const char* name, const file::Stamps& stamps,
                            int32_t events, uint64_t user, bool standing);

} // namespace evp
