#include "sources/sources.hpp"

#include "core/port.hpp"
#include "sources/aio.hpp"
#include "sources/fd.hpp"
#include "sources/file.hpp"
#include "sources/library.hpp"
#include "sources/mq.hpp"
#include "sources/timer.hpp"

namespace evp {

void install_sources(Port& port) {
	port.set_source(SourceKind::AIO, make_aio_source());
	port.set_source(SourceKind::FD, make_fd_source());
	port.set_source(SourceKind::FILE, make_file_source());
	port.set_source(SourceKind::TIMER, make_timer_source());
	port.set_source(SourceKind::MQ, mq::make_source());
	port.set_source(library::KIND, library::make_source());
	port.sources_set();
}

} // namespace evp
