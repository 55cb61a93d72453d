using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>y [Rows, Columns] = x [Rows, Depth] · wᵀ, w [Columns, Depth], both of one type; with a bias [Columns] of the type of y, or without.</summary>
readonly record struct ProductShape(cudaDataType Type, int Rows, int Columns, int Depth, bool HasBias = false)
{
    /// <summary>Whether x lies in memory as [Depth, Rows].</summary>
    public bool TurnedX { get; init; }

    /// <summary>Whether w lies in memory as [Depth, Columns].</summary>
    public bool TurnedWeight { get; init; }

    /// <summary>The type of y: that of the factors, or F32.</summary>
    public cudaDataType Result { get; init; } = Type;

    /// <summary>Whether the rows of all matrices begin at multiples of <see cref="CudaProducts.AlignmentBytes"/> where the matrices do.</summary>
    public bool IsAligned => Columns % Elements(Result) == 0 && (TurnedWeight ? Columns : Depth) % Elements(Type) == 0 && (TurnedX ? Rows : Depth) % Elements(Type) == 0;

    static int Elements(cudaDataType type) => CudaProducts.AlignmentBytes / (type == cudaDataType.CUDA_R_32F ? sizeof(float) : sizeof(ushort));
}

/// <summary>
/// Products of matrices by cuBLASLt, in a stream's order. Sums are F32 and never go through TF32 (that is a compute type of its own); partial sums are F32 too and are
/// added in a fixed order, so that a product is the same bits each time on the same device with the same library. What follows from a shape is found when it is seen
/// first; after that a product allocates nothing.
/// </summary>
sealed unsafe class CudaProducts : CudaResource
{
    /// <summary>What the addresses of all matrices and of the bias are multiples of.</summary>
    public const int AlignmentBytes = 16;

    /// <summary>What NVIDIA advises for the devices of compute capability 9.0; older ones need less.</summary>
    const int WorkspaceBytes = 32 << 20;

    readonly CuBlasLt library;
    readonly CudaStream stream;
    readonly DeviceBuffer workspace;
    readonly Dictionary<ProductShape, Plan?> plans = [];

    cublasLtHandle handle;
    cublasLtMatmulPreference preference;

    /// <summary>Products in a stream's order.</summary>
    /// <exception cref="CudaException">The library does not take the device.</exception>
    public CudaProducts(CuBlasLt library, CudaStream stream) : base(stream.Context)
    {
        (this.library, this.stream) = (library, stream);
        workspace = stream.Allocate(WorkspaceBytes);
        try
        {
            cublasLtHandle created;
            cublasLtMatmulPreference chosen;
            Context.Bind();
            Check(library.cublasLtCreate(&created), nameof(library.cublasLtCreate));
            handle = created;
            Check(library.cublasLtMatmulPreferenceCreate(&chosen), nameof(library.cublasLtMatmulPreferenceCreate));
            preference = chosen;
            ulong bytes = WorkspaceBytes;
            Prefer(cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof(ulong));
            // The two others would round partial sums to the type of y.
            var scheme = cublasLtReductionScheme.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
            Prefer(cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &scheme, sizeof(cublasLtReductionScheme));
            uint alignment = AlignmentBytes;
            for (var matrix = cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES; matrix <= cublasLtMatmulPreferenceAttributes.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES; matrix++)
                Prefer(matrix, &alignment, sizeof(uint));
        }
        catch
        {
            Destroy();
            workspace.Dispose();
            throw;
        }
        Own();
    }

    /// <summary>Computes a product. All addresses are multiples of <see cref="AlignmentBytes"/>.</summary>
    /// <param name="shape">Types and sizes.</param>
    /// <param name="x">The address of x.</param>
    /// <param name="weight">The address of w.</param>
    /// <param name="bias">The address of the bias, where there is one.</param>
    /// <param name="residual">The address of what is added, [Rows, Columns], which may be y; 0 for none.</param>
    /// <param name="y">The address of y.</param>
    /// <returns>Whether the library has an algorithm for it; else nothing was done.</returns>
    public bool Run(in ProductShape shape, nint x, nint weight, nint bias, nint residual, nint y)
    {
        Context.Bind();
        if (!plans.TryGetValue(shape, out var plan)) plans.Add(shape, plan = Find(shape));
        if (plan == null) return false;
        if (shape.HasBias) plan.Set(cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof(nint));
        float alpha = 1, beta = residual == 0 ? 0 : 1;
        var algorithm = plan.Algorithm;
        // The library's matrices are column by column: its D is yᵀ, its A is w and its B is xᵀ.
        Check(library.cublasLtMatmul(handle, plan.Descriptor, &alpha, weight, plan.Weight, x, plan.X, &beta, residual == 0 ? y : residual, plan.Y, y, plan.Y, &algorithm, workspace.Address, WorkspaceBytes,
            stream.Handle), nameof(library.cublasLtMatmul));
        return true;
    }

    private protected override void Destroy()
    {
        foreach (var plan in plans.Values) plan?.Destroy();
        if (preference != 0) library.cublasLtMatmulPreferenceDestroy(preference);
        if (handle != 0) library.cublasLtDestroy(handle);
    }

    /// <summary>How a product is computed, or null: the library cannot.</summary>
    Plan? Find(in ProductShape shape)
    {
        var plan = new Plan(this, shape);
        cublasLtMatmulHeuristicResult result;
        int count;
        var status = library.cublasLtMatmulAlgoGetHeuristic(handle, plan.Descriptor, plan.Weight, plan.X, plan.Y, plan.Y, preference, 1, &result, &count);
        if (status == cublasStatus.CUBLAS_STATUS_SUCCESS && count > 0 && result.state == cublasStatus.CUBLAS_STATUS_SUCCESS)
        {
            plan.Algorithm = result.algo;
            return plan;
        }
        plan.Destroy();
        if (status is not (cublasStatus.CUBLAS_STATUS_SUCCESS or cublasStatus.CUBLAS_STATUS_NOT_SUPPORTED)) Check(status, nameof(library.cublasLtMatmulAlgoGetHeuristic));
        return null;
    }

    void Prefer(cublasLtMatmulPreferenceAttributes attribute, void* value, int bytes) =>
        Check(library.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, (nuint)bytes), nameof(library.cublasLtMatmulPreferenceSetAttribute));

    void Check(cublasStatus status, string call)
    {
        if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) throw Context.Error(call, $"{status} ({Marshal.PtrToStringUTF8((nint)library.cublasLtGetStatusString(status))})");
    }

    /// <summary>A product's descriptors and the algorithm that was found for it.</summary>
    sealed class Plan
    {
        readonly CudaProducts owner;

        public Plan(CudaProducts owner, in ProductShape shape)
        {
            this.owner = owner;
            try
            {
                cublasLtMatmulDesc descriptor;
                owner.Check(owner.library.cublasLtMatmulDescCreate(&descriptor, cublasComputeType.CUBLAS_COMPUTE_32F, cudaDataType.CUDA_R_32F), nameof(owner.library.cublasLtMatmulDescCreate));
                Descriptor = descriptor;
                // Nothing is transposed unless it is said.
                var transposed = cublasOperation.CUBLAS_OP_T;
                if (!shape.TurnedWeight) Set(cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(cublasOperation));
                if (shape.TurnedX) Set(cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_TRANSB, &transposed, sizeof(cublasOperation));
                if (shape.HasBias)
                {
                    var epilogue = cublasLtEpilogue.CUBLASLT_EPILOGUE_BIAS;
                    Set(cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof(cublasLtEpilogue));
                    // The search reads nothing there: it takes the bias to be aligned as this address is.
                    nint somewhere = AlignmentBytes;
                    Set(cublasLtMatmulDescAttributes.CUBLASLT_MATMUL_DESC_BIAS_POINTER, &somewhere, sizeof(nint));
                }
                Weight = shape.TurnedWeight ? Layout(shape.Type, shape.Columns, shape.Depth) : Layout(shape.Type, shape.Depth, shape.Columns);
                X = shape.TurnedX ? Layout(shape.Type, shape.Rows, shape.Depth) : Layout(shape.Type, shape.Depth, shape.Rows);
                Y = Layout(shape.Result, shape.Columns, shape.Rows);
            }
            catch
            {
                Destroy();
                throw;
            }
        }

        public cublasLtMatmulDesc Descriptor { get; }

        public cublasLtMatrixLayout Weight { get; }

        public cublasLtMatrixLayout X { get; }

        public cublasLtMatrixLayout Y { get; }

        public cublasLtMatmulAlgo Algorithm { get; set; }

        public void Set(cublasLtMatmulDescAttributes attribute, void* value, int bytes) =>
            owner.Check(owner.library.cublasLtMatmulDescSetAttribute(Descriptor, attribute, value, (nuint)bytes), nameof(owner.library.cublasLtMatmulDescSetAttribute));

        public void Destroy()
        {
            foreach (var layout in (ReadOnlySpan<cublasLtMatrixLayout>)[Y, X, Weight])
                if (layout != 0) owner.library.cublasLtMatrixLayoutDestroy(layout);
            if (Descriptor != 0) owner.library.cublasLtMatmulDescDestroy(Descriptor);
        }

        /// <summary>Columns one after the other.</summary>
        cublasLtMatrixLayout Layout(cudaDataType type, int rows, int columns)
        {
            cublasLtMatrixLayout layout;
            owner.Check(owner.library.cublasLtMatrixLayoutCreate(&layout, type, (ulong)rows, (ulong)columns, rows), nameof(owner.library.cublasLtMatrixLayoutCreate));
            return layout;
        }
    }
}
