{
	"targets": [
		{
			"target_name": "event_ports",
			"sources": ["<!@(node scripts/sources.mjs core addon)"],
			"actions": [
				{
					"action_name": "source_id",
					"inputs": ["<!@(node scripts/sources.mjs --inputs)"],
					"outputs": ["<(INTERMEDIATE_DIR)/source_id.h"],
					"action": ["node", "scripts/sources.mjs", "--id-header", "<(INTERMEDIATE_DIR)/source_id.h"],
				},
			],
			"include_dirs": [
				"<(INTERMEDIATE_DIR)",
				"native",
				"native/include",
				"<!(node -p \"require('node-addon-api').include_dir\")",
			],
			"defines": [
				"EVP_ADDON",
				"NAPI_VERSION=9",
				"NAPI_DISABLE_CPP_EXCEPTIONS",
				"NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
				"NODE_ADDON_API_DISABLE_DEPRECATED",
				"NODE_ADDON_API_REQUIRE_BASIC_FINALIZERS",
				"_GNU_SOURCE",
				"<!@(node scripts/find-liburing.mjs define)",
			],
			"libraries": ["<!@(node scripts/find-liburing.mjs library)"],
			"cflags_cc!": ["-std=gnu++17"],
			"cflags_cc": [
				"-std=gnu++20",
				"-fvisibility=hidden",
				"-fvisibility-inlines-hidden",
				"-Wall",
				"-Wextra",
			],
			"ldflags": [
				"-Wl,--exclude-libs,ALL",
				"-Wl,--version-script=<(module_root_dir)/native/cmake/addon.map",
				"-Wl,-z,now",
				"-Wl,-z,relro",
				"-Wl,-z,nodelete",
			],
		},
	],
}
