# What `cmake --install` puts in place: the libraries, their headers, the program, a CMake package, pare.pc.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(objects $<TARGET_OBJECTS:shaders> $<TARGET_OBJECTS:vk> $<TARGET_OBJECTS:nn> $<TARGET_OBJECTS:distill>
  $<TARGET_OBJECTS:pipeline>)
set(headers $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# libpare.so: the floors' objects, of which only what include/pare marks with PARE_API can be seen.
add_library(libpare SHARED ${objects})
set_target_properties(libpare PROPERTIES OUTPUT_NAME pare EXPORT_NAME pare LINKER_LANGUAGE C
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_link_libraries(libpare PRIVATE Vulkan::Vulkan Threads::Threads PkgConfig::JANSSON PNG::PNG JPEG::JPEG ${DEFLATE}
  ${PICTURE_LIBRARIES} m)
if(PARE_SANITIZE)
  target_link_options(libpare PRIVATE -fsanitize=${PARE_SANITIZE})
elseif(NOT APPLE)
  target_link_options(libpare PRIVATE LINKER:--no-undefined)
endif()
target_include_directories(libpare INTERFACE ${headers})

# libpare.a: the same in one object, whose other symbols become its own where there is a tool for that.
set(static_objects ${objects})
if(CMAKE_OBJCOPY AND CMAKE_LINKER)
  set(static_objects ${PROJECT_BINARY_DIR}/pare.o)
  set(floors shaders vk nn distill pipeline)
  add_custom_command(OUTPUT ${static_objects} VERBATIM COMMAND_EXPAND_LISTS COMMENT "One object of all floors"
    COMMAND ${CMAKE_LINKER} -r -o ${static_objects} ${objects}
    COMMAND ${CMAKE_OBJCOPY} --wildcard "--keep-global-symbol=pare_*" ${static_objects}
    DEPENDS ${floors} ${objects})
  set_source_files_properties(${static_objects} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
endif()
set(static_pictures)                                # by their targets, which pare-config.cmake makes again, or names
foreach(library IN LISTS PICTURE_LIBRARIES)
  if(TARGET ${library})
    list(APPEND static_pictures ${library})
  else()
    list(APPEND static_pictures $<BUILD_INTERFACE:${library}>)
  endif()
endforeach()
foreach(name IN LISTS PICTURE_NAMES)
  list(APPEND static_pictures $<INSTALL_INTERFACE:${name}>)
endforeach()
add_library(libpare_static STATIC ${static_objects})
set_target_properties(libpare_static PROPERTIES OUTPUT_NAME pare EXPORT_NAME pare_static LINKER_LANGUAGE C)
target_link_libraries(libpare_static PUBLIC Vulkan::Vulkan Threads::Threads PkgConfig::JANSSON PNG::PNG JPEG::JPEG
  $<BUILD_INTERFACE:${DEFLATE}> $<INSTALL_INTERFACE:deflate> ${static_pictures} m)
target_include_directories(libpare_static INTERFACE ${headers})

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/pare)
install(TARGETS pare RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS libpare EXPORT pare-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS libpare_static EXPORT pare-static-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/pare DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

install(EXPORT pare-targets NAMESPACE pare:: DESTINATION ${package})
install(EXPORT pare-static-targets NAMESPACE pare:: DESTINATION ${package})
string(REPLACE ";" " " PC_MODULES "${PICTURE_MODULES}")
set(PC_NAMES)
foreach(name IN LISTS PICTURE_NAMES)
  string(APPEND PC_NAMES " -l${name}")
endforeach()
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

# Completions and manual pages say what the program says, so it writes them; not where it cannot run.
if(NOT CMAKE_CROSSCOMPILING)
  set(pages ${PROJECT_BINARY_DIR}/pages)
  add_custom_command(OUTPUT ${pages}/pare.1 VERBATIM COMMENT "Completions and manual pages"
    COMMAND ${CMAKE_COMMAND} -E make_directory ${pages}
    COMMAND ${CMAKE_COMMAND} -DPARE=$<TARGET_FILE:pare> -DOUT=${pages} -P ${PROJECT_SOURCE_DIR}/cmake/pages.cmake
    DEPENDS pare cmake/pages.cmake)
  add_custom_target(pages ALL DEPENDS ${pages}/pare.1)
  install(DIRECTORY ${pages}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
  install(FILES ${pages}/bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME pare)
  install(FILES ${pages}/zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _pare)
  install(FILES ${pages}/fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME pare.fish)
endif()
