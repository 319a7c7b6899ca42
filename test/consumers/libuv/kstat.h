/* There are no kernel statistics: who asks for them gets UV_EPERM. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct kstat_ctl kstat_ctl_t;
typedef struct kstat kstat_t;
typedef struct {
	unsigned char data_type;
	union {
		int32_t i32;
		int64_t i64;
		uint64_t ui64;
		unsigned long ul;
	} value;
} kstat_named_t;

enum { KSTAT_DATA_INT32 = 1, KSTAT_DATA_INT64 = 3, KSTAT_DATA_UINT64 = 4, KSTAT_DATA_STRING = 9 };
#define KSTAT_NAMED_STR_PTR(named) ""
#define kstat_open() ((kstat_ctl_t *)NULL)
#define kstat_close(all) ((void)(all))
#define kstat_lookup(all, module, instance, name) ((kstat_t *)NULL)
#define kstat_read(all, one, to) (-1)
#define kstat_data_lookup(one, name) ((void *)NULL)
