# What `cmake --install` puts below a prefix: headers, libraries, pkg-config, CMake package.
include(CMakePackageConfigHelpers)

install(FILES include/port.h include/port_linux.h include/siginfo.h
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES include/sys/port.h include/sys/port_impl.h include/sys/siginfo.h
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sys)
install(TARGETS port port_static EXPORT port_targets
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
	ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

# The prefix is known at install time only (`cmake --install --prefix`): port.pc finds it from
# where it lies.
configure_file(port.pc.in port.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/port.pc"
	DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/port)
install(EXPORT port_targets NAMESPACE port:: FILE portTargets.cmake DESTINATION ${package_folder})
configure_package_config_file(cmake/portConfig.cmake.in portConfig.cmake
	INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(portConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES
	"${CMAKE_CURRENT_BINARY_DIR}/portConfig.cmake"
	"${CMAKE_CURRENT_BINARY_DIR}/portConfigVersion.cmake"
	DESTINATION ${package_folder})
