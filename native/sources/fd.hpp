// PORT_SOURCE_FD (section 4): readiness of descriptors, one shot, over epoll.
#pragma once
#include "core/source.hpp"

#include <memory>

namespace evp {

std::unique_ptr<Source> make_fd_source();

} // namespace evp
