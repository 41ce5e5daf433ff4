// instance.c — the Vulkan instance, validation and its messages.
#include "vk/headroom.h"
#include "vk/internal.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYER "VK_LAYER_KHRONOS_validation"

// Drivers and layers speak from any thread that compiles a kernel.
static pthread_mutex_t message_lock = PTHREAD_MUTEX_INITIALIZER;

void vkc__log_write(const vkc__log *log, vkc_log_level level, const char *fmt, ...)
{
    if (!log->fn)
        return;
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    log->fn(log->user, level, text);
}

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    vkc__log *log = user;
    bool error = severity >= VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    // The loader's own complaints (a broken driver manifest, say) are general: logged, not counted.
    pthread_mutex_lock(&message_lock);
    if (types & VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT)
        log->n_validation++;
    if (log->fn)
        log->fn(log->user, error ? VKC_LOG_ERROR : VKC_LOG_WARN, data->pMessage);
    pthread_mutex_unlock(&message_lock);
    return VK_FALSE;
}

uint32_t vkc__log_count(const vkc__log *log)
{
    pthread_mutex_lock(&message_lock);
    const uint32_t n = log->n_validation;
    pthread_mutex_unlock(&message_lock);
    return n;
}

vkc_status vkc__check_memory(VkResult res, const char *what)
{
    if (res == VK_ERROR_OUT_OF_HOST_MEMORY)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory while %s", what);
    if (res == VK_ERROR_OUT_OF_DEVICE_MEMORY || res == VK_ERROR_OUT_OF_POOL_MEMORY ||
        res == VK_ERROR_FRAGMENTED_POOL || res == VK_ERROR_TOO_MANY_OBJECTS)
        return VKC_FAIL(VKC_E_DEVMEM, "out of device memory while %s", what);
    return VKC_OK;
}

static vkc_status find_layer(bool *found)
{
    static const char what[] = "listing layers";
    uint32_t n = 0;
    *found = false;
    VkResult res = vkEnumerateInstanceLayerProperties(&n, NULL);
    if (res != VK_SUCCESS || n == 0)
        return vkc__check_memory(res, what);
    VkLayerProperties *all = calloc(n, sizeof *all);
    res = all ? vkEnumerateInstanceLayerProperties(&n, all) : VK_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < n && res >= VK_SUCCESS; i++)
        *found |= strcmp(all[i].layerName, LAYER) == 0;
    free(all);
    return vkc__check_memory(res, what);
}

// Sets *found, or leaves it.
static vkc_status find_extension(const char *layer, const char *name, bool *found)
{
    static const char what[] = "listing extensions";
    uint32_t n = 0;
    VkResult res = vkEnumerateInstanceExtensionProperties(layer, &n, NULL);
    if (res != VK_SUCCESS || n == 0)
        return vkc__check_memory(res, what);
    VkExtensionProperties *all = calloc(n, sizeof *all);
    res = all ? vkEnumerateInstanceExtensionProperties(layer, &n, all) : VK_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < n && res >= VK_SUCCESS; i++)
        *found |= strcmp(all[i].extensionName, name) == 0;
    free(all);
    return vkc__check_memory(res, what);
}

static vkc_status create(vkc__instance *inst, const VkInstanceCreateInfo *info)
{
    VkResult res = vkCreateInstance(info, NULL, &inst->vk);
    if (res == VK_SUCCESS)
        return VKC_OK;
    inst->vk = VK_NULL_HANDLE;
    const vkc_status st = vkc__check_memory(res, "starting Vulkan");
    if (st != VKC_OK)
        return st;
    return VKC_FAIL(VKC_E_NODEVICE, "Vulkan did not start (VkResult %d): is a driver installed?", (int) res);
}

vkc_status vkc__instance_init(vkc__instance *inst, bool validate, vkc__log *log)
{
    *inst = (vkc__instance) { 0 };
    vkc_status st = vkc__headroom_check("starting Vulkan", VKC__START_MIB + vkc__headroom_threads(), 0);
    if (st != VKC_OK)
        return st;
    bool has_layer = false, has_features = false;
    if (validate)
        VKC_TRY(find_layer(&has_layer));
    if (validate && !has_layer)
        return VKC_FAIL(VKC_E_UNSUPPORTED, "validation was asked for, but the layer " LAYER " is not installed");
    uint32_t version = VK_API_VERSION_1_0;
    const VkResult res = vkEnumerateInstanceVersion(&version);
    VKC_TRY(vkc__check_memory(res, "starting Vulkan"));
    if (res != VK_SUCCESS || version < VK_API_VERSION_1_2)
        return VKC_FAIL(VKC_E_NODEVICE, "the Vulkan loader is older than 1.2");

    const char *layers[] = { LAYER }, *extensions[2];
    VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT |
                       VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = log,
    };
    const char *env = getenv("PARE_VALIDATE");
    const bool on_gpu = env && strcmp(env, "gpu") == 0;     // far slower: kernels check their own accesses
    const VkValidationFeatureEnableEXT enable[] = {
        on_gpu ? VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT
               : VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT };
    VkValidationFeaturesEXT checks = {
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .enabledValidationFeatureCount = 1,
        .pEnabledValidationFeatures = enable,
    };
    VkApplicationInfo app = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "pare",
        .apiVersion = VK_API_VERSION_1_2,
    };
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &app,
        .ppEnabledLayerNames = layers,
        .ppEnabledExtensionNames = extensions,
    };
    VKC_TRY(find_extension(NULL, VK_EXT_DEBUG_UTILS_EXTENSION_NAME, &inst->has_debug_utils));
    if (validate) {
        VKC_TRY(find_extension(LAYER, VK_EXT_DEBUG_UTILS_EXTENSION_NAME, &inst->has_debug_utils));
        VKC_TRY(find_extension(LAYER, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME, &has_features));
    }
    if (inst->has_debug_utils)
        extensions[info.enabledExtensionCount++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    if (validate) {
        info.enabledLayerCount = 1;
        if (has_features) {
            extensions[info.enabledExtensionCount++] = VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME;
            info.pNext = &checks;
        }
        if (inst->has_debug_utils) {    // also hears of mistakes while the instance is made
            checks.pNext = &messenger;
            if (!info.pNext)
                info.pNext = &messenger;
        }
    }
    st = create(inst, &info);
    if (st != VKC_OK || !validate || !inst->has_debug_utils)
        return st;
    PFN_vkCreateDebugUtilsMessengerEXT make = (PFN_vkCreateDebugUtilsMessengerEXT) vkGetInstanceProcAddr(
        inst->vk, "vkCreateDebugUtilsMessengerEXT");
    if (make && make(inst->vk, &messenger, NULL, &inst->messenger) != VK_SUCCESS)
        inst->messenger = VK_NULL_HANDLE;
done:
    return st;
}

void vkc__instance_finish(vkc__instance *inst)
{
    if (!inst->vk)
        return;
    PFN_vkDestroyDebugUtilsMessengerEXT drop = (PFN_vkDestroyDebugUtilsMessengerEXT) vkGetInstanceProcAddr(
        inst->vk, "vkDestroyDebugUtilsMessengerEXT");
    if (inst->messenger && drop)
        drop(inst->vk, inst->messenger, NULL);
    vkDestroyInstance(inst->vk, NULL);
    *inst = (vkc__instance) { 0 };
}
