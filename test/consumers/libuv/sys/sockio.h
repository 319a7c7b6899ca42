/* Where SIOCGARP is. */
#include <sys/ioctl.h>
