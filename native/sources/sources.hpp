// Every source this build has: the one place that names them all.
#pragma once

namespace evp {

class Port;

// Gives a new port its sources.
void install_sources(Port& port);

} // namespace evp
