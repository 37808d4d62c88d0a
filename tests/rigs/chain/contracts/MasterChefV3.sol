// SPDX-License-Identifier: GPL-2.0-or-later
pragma solidity =0.7.6;
pragma abicoder v2;

import "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import "@uniswap/v3-periphery/contracts/base/Multicall.sol";

/// What the farm asks of the position manager. A struct of static fields has the encoding of the bare list.
interface IFarmedPositions {
    struct Position {
        uint96 nonce;
        address operator;
        address token0;
        address token1;
        uint24 fee;
        int24 tickLower;
        int24 tickUpper;
        uint128 liquidity;
        uint256 inside0;
        uint256 inside1;
        uint128 owed0;
        uint128 owed1;
    }

    struct IncreaseLiquidityParams {
        uint256 tokenId;
        uint256 amount0Desired;
        uint256 amount1Desired;
        uint256 amount0Min;
        uint256 amount1Min;
        uint256 deadline;
    }

    struct DecreaseLiquidityParams {
        uint256 tokenId;
        uint128 liquidity;
        uint256 amount0Min;
        uint256 amount1Min;
        uint256 deadline;
    }

    struct CollectParams {
        uint256 tokenId;
        address recipient;
        uint128 amount0Max;
        uint128 amount1Max;
    }

    function positions(uint256 tokenId) external view returns (Position memory);

    function increaseLiquidity(IncreaseLiquidityParams calldata wanted) external payable returns (uint128 liquidity, uint256 amount0, uint256 amount1);

    function decreaseLiquidity(DecreaseLiquidityParams calldata wanted) external payable returns (uint256 amount0, uint256 amount1);

    function collect(CollectParams calldata wanted) external payable returns (uint256 amount0, uint256 amount1);

    function burn(uint256 tokenId) external payable;

    function safeTransferFrom(address from, address to, uint256 tokenId) external;
}

interface IFarmedPool {
    function token0() external view returns (address);

    function token1() external view returns (address);

    function fee() external view returns (uint24);
}

/// Stands in for PancakeSwap's MasterChefV3, which npm does not carry: staking, enumeration and what it passes on to the
/// position manager, with the same signatures, events, custom errors and permissions. It mints no CAKE and boosts nothing.
contract MasterChefV3 is Multicall {
    struct PoolInfo {
        uint256 allocPoint;
        address v3Pool;
        address token0;
        address token1;
        uint24 fee;
        uint256 totalLiquidity;
        uint256 totalBoostLiquidity;
    }

    struct UserPositionInfo {
        uint128 liquidity;
        uint128 boostLiquidity;
        int24 tickLower;
        int24 tickUpper;
        uint256 rewardGrowthInside;
        uint256 reward;
        address user;
        uint256 pid;
        uint256 boostMultiplier;
    }

    uint256 public constant BOOST_PRECISION = 100 * 1e10;
    address public immutable owner;
    IFarmedPositions public immutable nonfungiblePositionManager;
    uint256 public poolLength;
    mapping(uint256 => PoolInfo) public poolInfo;
    mapping(uint256 => UserPositionInfo) public userPositionInfos;
    mapping(address => uint256) public v3PoolAddressPid;
    mapping(bytes32 => uint256) private pidOf;
    mapping(address => uint256[]) private staked;

    event Deposit(address indexed from, uint256 indexed pid, uint256 indexed tokenId, uint256 liquidity, int24 tickLower, int24 tickUpper);
    event Withdraw(address indexed from, address to, uint256 indexed pid, uint256 indexed tokenId);
    event UpdateLiquidity(address indexed from, uint256 indexed pid, uint256 indexed tokenId, int128 liquidity, int24 tickLower, int24 tickUpper);

    constructor(IFarmedPositions manager) {
        owner = msg.sender;
        nonfungiblePositionManager = manager;
    }

    modifier onlyStaker(uint256 tokenId) {
        _require(userPositionInfos[tokenId].user == msg.sender, "NotOwner()");
        _;
    }

    function add(uint256 allocPoint, IFarmedPool pool, bool) external {
        require(msg.sender == owner, "Ownable: caller is not the owner");
        (address token0, address token1, uint24 fee) = (pool.token0(), pool.token1(), pool.fee());
        require(pidOf[_key(token0, token1, fee)] == 0, "DuplicatedPool");
        IERC20(token0).approve(address(nonfungiblePositionManager), uint256(-1));
        IERC20(token1).approve(address(nonfungiblePositionManager), uint256(-1));
        uint256 pid = ++poolLength;
        poolInfo[pid] = PoolInfo(allocPoint, address(pool), token0, token1, fee, 0, 0);
        pidOf[_key(token0, token1, fee)] = pid;
        v3PoolAddressPid[address(pool)] = pid;
    }

    function onERC721Received(address, address from, uint256 tokenId, bytes calldata) external returns (bytes4) {
        _require(msg.sender == address(nonfungiblePositionManager), "NotPancakeNFT()");
        IFarmedPositions.Position memory position = nonfungiblePositionManager.positions(tokenId);
        _require(position.liquidity != 0, "NoLiquidity()");
        uint256 pid = pidOf[_key(position.token0, position.token1, position.fee)];
        _require(pid != 0, "InvalidNFT()");
        UserPositionInfo storage info = userPositionInfos[tokenId];
        (info.tickLower, info.tickUpper) = (position.tickLower, position.tickUpper);
        (info.user, info.pid, info.boostMultiplier) = (from, pid, BOOST_PRECISION);
        _follow(tokenId);
        staked[from].push(tokenId);
        emit Deposit(from, pid, tokenId, position.liquidity, position.tickLower, position.tickUpper);
        return this.onERC721Received.selector;
    }

    function withdraw(uint256 tokenId, address to) external returns (uint256 reward) {
        _require(to != address(this) && to != address(0), "WrongReceiver()");
        uint256 pid = _forget(tokenId);
        nonfungiblePositionManager.safeTransferFrom(address(this), to, tokenId);
        emit Withdraw(msg.sender, to, pid, tokenId);
        return 0;
    }

    function updateLiquidity(uint256 tokenId) external {
        _require(userPositionInfos[tokenId].pid != 0, "InvalidNFT()");
        _follow(tokenId);
    }

    /// Anyone may add to a staked position, as in the real one.
    function increaseLiquidity(IFarmedPositions.IncreaseLiquidityParams memory wanted)
        external
        payable
        returns (uint128 liquidity, uint256 amount0, uint256 amount1)
    {
        uint256 pid = userPositionInfos[wanted.tokenId].pid;
        _require(pid != 0, "InvalidNFT()");
        (address token0, address token1) = (poolInfo[pid].token0, poolInfo[pid].token1);
        IERC20(token0).transferFrom(msg.sender, address(this), wanted.amount0Desired);
        IERC20(token1).transferFrom(msg.sender, address(this), wanted.amount1Desired);
        (liquidity, amount0, amount1) = nonfungiblePositionManager.increaseLiquidity(wanted);
        IERC20(token0).transfer(msg.sender, wanted.amount0Desired - amount0);
        IERC20(token1).transfer(msg.sender, wanted.amount1Desired - amount1);
        _follow(wanted.tokenId);
    }

    function decreaseLiquidity(IFarmedPositions.DecreaseLiquidityParams memory wanted)
        external
        onlyStaker(wanted.tokenId)
        returns (uint256 amount0, uint256 amount1)
    {
        (amount0, amount1) = nonfungiblePositionManager.decreaseLiquidity(wanted);
        _follow(wanted.tokenId);
    }

    /// To the farm itself when no recipient is named, as in the real one.
    function collect(IFarmedPositions.CollectParams memory wanted)
        external
        onlyStaker(wanted.tokenId)
        returns (uint256 amount0, uint256 amount1)
    {
        if (wanted.recipient == address(0)) wanted.recipient = address(this);
        return nonfungiblePositionManager.collect(wanted);
    }

    function burn(uint256 tokenId) external onlyStaker(tokenId) {
        _require(userPositionInfos[tokenId].liquidity == 0, "NotEmpty()");
        uint256 pid = _forget(tokenId);
        nonfungiblePositionManager.burn(tokenId);
        emit Withdraw(msg.sender, address(0), pid, tokenId);
    }

    function balanceOf(address user) external view returns (uint256) {
        require(user != address(0), "Enumerable: address zero is not a valid owner");
        return staked[user].length;
    }

    function tokenOfOwnerByIndex(address user, uint256 index) external view returns (uint256) {
        require(index < staked[user].length, "Enumerable: owner index out of bounds");
        return staked[user][index];
    }

    /// Brings the farm's own record of the liquidity up to the manager's.
    function _follow(uint256 tokenId) private {
        UserPositionInfo storage info = userPositionInfos[tokenId];
        uint128 liquidity = nonfungiblePositionManager.positions(tokenId).liquidity;
        int128 change = int128(liquidity) - int128(info.liquidity);
        if (change == 0) return;
        PoolInfo storage pool = poolInfo[info.pid];
        pool.totalLiquidity = pool.totalLiquidity - info.liquidity + liquidity;
        pool.totalBoostLiquidity = pool.totalLiquidity;
        (info.liquidity, info.boostLiquidity) = (liquidity, liquidity);
        emit UpdateLiquidity(msg.sender, info.pid, tokenId, change, info.tickLower, info.tickUpper);
    }

    /// The last staked id takes the place of the one that goes, so the order changes.
    function _forget(uint256 tokenId) private onlyStaker(tokenId) returns (uint256 pid) {
        UserPositionInfo storage info = userPositionInfos[tokenId];
        pid = info.pid;
        poolInfo[pid].totalLiquidity -= info.liquidity;
        poolInfo[pid].totalBoostLiquidity -= info.boostLiquidity;
        delete userPositionInfos[tokenId];
        uint256[] storage ids = staked[msg.sender];
        for (uint256 i = 0; i < ids.length; i++) {
            if (ids[i] == tokenId) ids[i] = ids[ids.length - 1];
        }
        ids.pop();
    }

    function _key(address token0, address token1, uint24 fee) private pure returns (bytes32) {
        return keccak256(abi.encode(token0, token1, fee));
    }

    /// Reverts with the selector of a custom error, which this compiler does not know yet.
    function _require(bool holds, string memory error) private pure {
        if (holds) return;
        bytes4 selector = bytes4(keccak256(bytes(error)));
        assembly {
            mstore(0, selector)
            revert(0, 4)
        }
    }
}
