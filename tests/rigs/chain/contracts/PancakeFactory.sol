// SPDX-License-Identifier: MIT
pragma solidity =0.7.6;

/// Stands in for PancakeSwap's factory and pool deployer, which npm does not carry, in one contract. The pools that it
/// creates run PancakeSwap's own bytecode, taken from the code of `poolCode`.
contract PancakeFactory {
    struct Parameters {
        address factory;
        address token0;
        address token1;
        uint24 fee;
        int24 tickSpacing;
    }

    address public immutable owner;
    address public immutable poolCode;
    Parameters public parameters;
    mapping(uint24 => int24) public feeAmountTickSpacing;
    mapping(address => mapping(address => mapping(uint24 => address))) public getPool;

    constructor(address poolCode_) {
        owner = msg.sender;
        poolCode = poolCode_;
        feeAmountTickSpacing[100] = 1;
        feeAmountTickSpacing[500] = 10;
        feeAmountTickSpacing[2500] = 50;
        feeAmountTickSpacing[10000] = 200;
    }

    function createPool(address tokenA, address tokenB, uint24 fee) external returns (address pool) {
        (address token0, address token1) = tokenA < tokenB ? (tokenA, tokenB) : (tokenB, tokenA);
        int24 tickSpacing = feeAmountTickSpacing[fee];
        require(token0 != token1 && tickSpacing != 0 && getPool[token0][token1][fee] == address(0), "pool");
        parameters = Parameters(address(this), token0, token1, fee, tickSpacing);
        pool = _create(keccak256(abi.encode(token0, token1, fee)));
        delete parameters;
        getPool[token0][token1][fee] = pool;
        getPool[token1][token0][fee] = pool;
    }

    function _create(bytes32 salt) private returns (address pool) {
        address source = poolCode;
        assembly {
            let size := extcodesize(source)
            let code := mload(0x40)
            extcodecopy(source, code, 0, size)
            pool := create2(0, code, size, salt)
        }
        require(pool != address(0), "create2");
    }
}
