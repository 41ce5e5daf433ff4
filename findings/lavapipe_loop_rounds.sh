#!/usr/bin/env bash
# A loop in a compute shader would be expected to go on until its condition ends it, as long as that is: SPIR-V and
# Vulkan know no most. On lavapipe all loops of an invocation share 65,535 rounds, inner and outer ones, and a pass
# over a loop that ends at once counts too: when they are used up, every loop is left, without an error or a validation
# message, and the code after it goes on with what there is. So a sum over a long sequence misses the rest of it, and
# two nested loops of 300 rounds each are cut short already. SwiftShader runs all rounds.
# mesa-vulkan-drivers 22.3.6-1+deb12u2 of Debian 12 (LLVM 15), glslang-tools, libvulkan-dev; 2026-11-30.
set -euo pipefail
want=22.3.6-1+deb12u2
have=$(dpkg-query -W -f '${Version}\n' mesa-vulkan-drivers | head -1)
[ "$have" = "$want" ] || { echo "mesa-vulkan-drivers is $have, and this is about $want"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/sum.comp" <<'GLSL'
#version 450
layout(local_size_x = 1) in;
layout(binding = 0) buffer Out { uint rounds[]; };
layout(push_constant) uniform Push { uint n, inner; };
void main()
{
    uint count = 0, mixed = 1;
    for (uint i = 0; i < n; i++)
        for (uint j = 0; j < inner; j++) {
            mixed = mixed * 1664525u + 1013904223u;     // so that no compiler knows the sum without the loop
            count += (mixed >> 31) | 1u;
        }
    rounds[0] = count;
}
GLSL
cat >"$work/run.c" <<'C'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#define TRY(call) do { if ((call) != VK_SUCCESS) { fprintf(stderr, "%s\n", #call); exit(1); } } while (0)

int main(int argc, char **argv)
{
    uint32_t code[65536], n = 1, push[2] = { strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10) };
    FILE *f = fopen(argv[1], "rb");
    const size_t size = fread(code, 1, sizeof code, f);
    VkInstance instance;
    VkPhysicalDevice gpu;
    VkPhysicalDeviceProperties about;
    VkDevice dev;
    VkQueue queue;
    VkShaderModule module;
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline pipeline;
    VkBuffer buffer;
    VkMemoryRequirements needs;
    VkPhysicalDeviceMemoryProperties memory;
    VkDeviceMemory mem;
    VkDescriptorPool pool;
    VkDescriptorSet set;
    VkCommandPool commands;
    VkCommandBuffer cmd;
    uint32_t *out, type = 0;
    (void) argc;
    fclose(f);
    TRY(vkCreateInstance(&(VkInstanceCreateInfo) { VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo =
        &(VkApplicationInfo) { VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2 } }, NULL, &instance));
    VkResult r = vkEnumeratePhysicalDevices(instance, &n, &gpu);
    if (r != VK_SUCCESS && r != VK_INCOMPLETE)
        return 1;
    vkGetPhysicalDeviceProperties(gpu, &about);
    TRY(vkCreateDevice(gpu, &(VkDeviceCreateInfo) { VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &(VkDeviceQueueCreateInfo) { VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1,
        .pQueuePriorities = (float[]) { 1 } } }, NULL, &dev));
    vkGetDeviceQueue(dev, 0, 0, &queue);
    TRY(vkCreateShaderModule(dev, &(VkShaderModuleCreateInfo) { VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = size, .pCode = code }, NULL, &module));
    TRY(vkCreateDescriptorSetLayout(dev, &(VkDescriptorSetLayoutCreateInfo) {
        VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings =
        &(VkDescriptorSetLayoutBinding) { 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT } },
        NULL, &set_layout));
    TRY(vkCreatePipelineLayout(dev, &(VkPipelineLayoutCreateInfo) { VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1, .pSetLayouts = &set_layout, .pushConstantRangeCount = 1, .pPushConstantRanges =
        &(VkPushConstantRange) { VK_SHADER_STAGE_COMPUTE_BIT, 0, 8 } }, NULL, &layout));
    TRY(vkCreateComputePipelines(dev, VK_NULL_HANDLE, 1, &(VkComputePipelineCreateInfo) {
        VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, .layout = layout, .stage = {
        VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT, .module = module,
        .pName = "main" } }, NULL, &pipeline));
    TRY(vkCreateBuffer(dev, &(VkBufferCreateInfo) { VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 4,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT }, NULL, &buffer));
    vkGetBufferMemoryRequirements(dev, buffer, &needs);
    vkGetPhysicalDeviceMemoryProperties(gpu, &memory);
    const VkMemoryPropertyFlags host = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    while (!(needs.memoryTypeBits >> type & 1) || (memory.memoryTypes[type].propertyFlags & host) != host)
        type++;
    TRY(vkAllocateMemory(dev, &(VkMemoryAllocateInfo) { VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = needs.size, .memoryTypeIndex = type }, NULL, &mem));
    TRY(vkBindBufferMemory(dev, buffer, mem, 0));
    TRY(vkMapMemory(dev, mem, 0, VK_WHOLE_SIZE, 0, (void **) &out));
    TRY(vkCreateDescriptorPool(dev, &(VkDescriptorPoolCreateInfo) { VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &(VkDescriptorPoolSize) { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        1 } }, NULL, &pool));
    TRY(vkAllocateDescriptorSets(dev, &(VkDescriptorSetAllocateInfo) { VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = pool, .descriptorSetCount = 1, .pSetLayouts = &set_layout }, &set));
    vkUpdateDescriptorSets(dev, 1, &(VkWriteDescriptorSet) { VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = set,
        .descriptorCount = 1, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .pBufferInfo =
        &(VkDescriptorBufferInfo) { buffer, 0, VK_WHOLE_SIZE } }, 0, NULL);
    TRY(vkCreateCommandPool(dev, &(VkCommandPoolCreateInfo) { VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO }, NULL,
        &commands));
    TRY(vkAllocateCommandBuffers(dev, &(VkCommandBufferAllocateInfo) { VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = commands, .commandBufferCount = 1 }, &cmd));
    TRY(vkBeginCommandBuffer(cmd, &(VkCommandBufferBeginInfo) { VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO }));
    vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
    vkCmdPushConstants(cmd, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 8, push);
    vkCmdDispatch(cmd, 1, 1, 1);
    vkCmdPipelineBarrier(cmd, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
        &(VkMemoryBarrier) { VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_HOST_READ_BIT }, 0, NULL, 0, NULL);
    TRY(vkEndCommandBuffer(cmd));
    TRY(vkQueueSubmit(queue, 1, &(VkSubmitInfo) { VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1,
        .pCommandBuffers = &cmd }, VK_NULL_HANDLE));
    TRY(vkQueueWaitIdle(queue));
    fprintf(stderr, "%s: ", about.deviceName);
    printf("%u\n", *out);
    return 0;
}
C
glslangValidator -V --quiet --target-env vulkan1.2 -o "$work/sum.spv" "$work/sum.comp"
cc -std=c11 -O1 -o "$work/run" "$work/run.c" -lvulkan
for icd in /usr/share/vulkan/icd.d/lvp_icd*.json; do
  case $icd in *i?86.json) ;; *) export VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd ;; esac
done
count() { "$work/run" "$work/sum.spv" "$1" "$2" 2>"$work/device"; }
while read -r outer inner want; do
  got=$(count "$outer" "$inner")
  echo "$(cat "$work/device")$outer times $inner rounds: $got"
  [ "$got" = "$want" ] || { echo "and not $want, as it was"; exit 1; }
done <<'ROUNDS'
1 65535 65535
1 65536 65535
1 100000 65535
20000 1 20000
30000 1 21845
100 100 10000
300 300 65101
1000 1000 65405
ROUNDS
