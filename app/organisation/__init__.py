"""单位、人员、角色: who belongs where and who may do what."""
