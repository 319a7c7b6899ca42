#include "sources/sources.hpp"

#include "core/port.hpp"
#include "sources/fd.hpp"

namespace evp {

void install_sources(Port& port) {
	port.set_source(SourceKind::FD, make_fd_source());
}

} // namespace evp
