// compat.h — Vulkan extensions newer than the oldest headers this builds with (1.3.204).
#ifndef VKC_COMPAT_H
#define VKC_COMPAT_H

#include <vulkan/vulkan.h>

// VK_KHR_cooperative_matrix
#define VKC__COOPMAT_EXT "VK_KHR_cooperative_matrix"
#define VKC__COOPMAT_FEATURES_TYPE ((VkStructureType) 1000506000)
typedef struct vkc__coopmat_features {
    VkStructureType sType;
    void *pNext;
    VkBool32 cooperativeMatrix;
    VkBool32 cooperativeMatrixRobustBufferAccess;
} vkc__coopmat_features;

// VK_EXT_device_fault
#define VKC__FAULT_EXT "VK_EXT_device_fault"
#define VKC__FAULT_FEATURES_TYPE ((VkStructureType) 1000341000)
#define VKC__FAULT_COUNTS_TYPE ((VkStructureType) 1000341001)
#define VKC__FAULT_INFO_TYPE ((VkStructureType) 1000341002)
typedef struct vkc__fault_features {
    VkStructureType sType;
    void *pNext;
    VkBool32 deviceFault;
    VkBool32 deviceFaultVendorBinary;
} vkc__fault_features;
typedef struct vkc__fault_counts {
    VkStructureType sType;
    void *pNext;
    uint32_t addressInfoCount;
    uint32_t vendorInfoCount;
    VkDeviceSize vendorBinarySize;
} vkc__fault_counts;
typedef struct vkc__fault_info {
    VkStructureType sType;
    void *pNext;
    char description[VK_MAX_DESCRIPTION_SIZE];
    void *pAddressInfos;
    void *pVendorInfos;
    void *pVendorBinaryData;
} vkc__fault_info;
typedef VkResult (VKAPI_PTR *vkc__fault_fn)(VkDevice, vkc__fault_counts *, vkc__fault_info *);

#endif
