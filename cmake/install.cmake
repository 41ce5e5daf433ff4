# What `cmake --install` puts in place: one library, headers, the program, a CMake package, pare.pc.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# libpare.a: the folders' libraries in one archive.
add_library(libpare STATIC
  $<TARGET_OBJECTS:shaders> $<TARGET_OBJECTS:vk> $<TARGET_OBJECTS:nn> $<TARGET_OBJECTS:distill>
  $<TARGET_OBJECTS:pipeline>)
set_target_properties(libpare PROPERTIES OUTPUT_NAME pare EXPORT_NAME pare LINKER_LANGUAGE C)
target_link_libraries(libpare PUBLIC Vulkan::Vulkan Threads::Threads PNG::PNG JPEG::JPEG ${DEFLATE} m PRIVATE PkgConfig::JANSSON)
target_include_directories(libpare INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/pare>)

set(headers ${CMAKE_INSTALL_INCLUDEDIR}/pare)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/pare)
install(TARGETS pare RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS libpare EXPORT pare-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY vk nn distill pipeline shaders DESTINATION ${headers}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.def"
  PATTERN "internal.h" EXCLUDE PATTERN "*_internal.h" EXCLUDE PATTERN "*_impl.h" EXCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/spv/args.h DESTINATION ${headers}/spv)

install(EXPORT pare-targets NAMESPACE pare:: DESTINATION ${package})
configure_package_config_file(cmake/pare-config.cmake.in ${PROJECT_BINARY_DIR}/pare-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pare-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pare-config.cmake ${PROJECT_BINARY_DIR}/pare-config-version.cmake
  DESTINATION ${package})

# The prefix may still change at install time, so pare.pc finds it from its own place.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(PC_PREFIX ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH up /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
  string(REGEX REPLACE "/$" "" up ${up})
  set(PC_PREFIX "\${pcfiledir}/${up}")
endif()
configure_file(cmake/pare.pc.in ${PROJECT_BINARY_DIR}/pare.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pare.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
