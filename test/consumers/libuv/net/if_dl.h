/* Addresses of links: what getifaddrs(3) says here is shorter, and no test looks at them. */
#pragma once

struct sockaddr_dl {
	char sdl_data[14];
};
#define LLADDR(address) ((address)->sdl_data)
#define IFF_PRIVATE 0
